"""One writer at a time, in any process; and no lock outlives its holder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.library.conftest import file, forked, plant

from dinoscope.errors import LibraryBusy
from dinoscope.library.library import Library
from dinoscope.library.locking import WriterLock

HOLDER = """
import sys, time
from pathlib import Path
from dinoscope.library.library import Library
with Library.open(Path(sys.argv[1]), write=True):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_writer_gets_one_sentence_that_names_the_first(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(
            LibraryBusy, match=rf"process {holder.pid} is writing to the library .*wait until"
        ):
            Library.open(folder, write=True)
        with Library.open(folder) as reader:
            assert reader.count() == 0
        holder.send_signal(signal.SIGKILL)
    with Library.open(folder, write=True) as library:
        plant(library, [file(1)])


def test_a_second_writer_of_the_same_process_is_refused_too(library: Library, folder: Path) -> None:
    with pytest.raises(LibraryBusy, match=f"process {os.getpid()}"):
        Library.open(folder, write=True)
    plant(library, [file(1)])  # and the first is none the worse


def test_a_closed_writer_makes_room(folder: Path) -> None:
    for number in range(3):
        with Library.open(folder, write=True) as library:
            plant(library, [file(number)])


def test_a_writer_that_failed_to_open_makes_room(folder: Path) -> None:
    folder.mkdir()
    (folder / "library.sqlite").write_bytes(b"no database" * 100)
    for _ in range(2):
        with pytest.raises(Exception, match="cannot be read"):
            Library.open(folder, write=True)
    (folder / "library.sqlite").unlink()
    Library.open(folder, write=True).close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_hold_the_lock_after_its_parent(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path)
    reading, writing = os.pipe()

    def taken_by_child() -> int:  # the child waits until the parent has let go, then takes the lock itself
        os.read(reading, 1)
        WriterLock(tmp_path).release()
        return 0

    with pytest.raises(LibraryBusy):
        WriterLock(tmp_path)
    lock.release()
    os.write(writing, b"x")
    assert forked(taken_by_child) == 0
    again = WriterLock(tmp_path)
    assert forked(lambda: _refused(tmp_path)) == 0
    with pytest.raises(LibraryBusy):  # the child's end has not released what its parent holds
        WriterLock(tmp_path)
    again.release()
    os.close(reading)
    os.close(writing)


def _refused(folder: Path) -> int:
    try:
        WriterLock(folder)
    except LibraryBusy:
        return 0
    return 1
