from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dinoscope.errors import NotAPicture, PictureTooLarge, Unreadable
from dinoscope.pictures.decoding import decode
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.reading import content_hash
from dinoscope.pictures.workers import DecodeWorkers

FileOf = Callable[..., bytes]


@pytest.fixture(scope="module")
def workers() -> Iterator[DecodeWorkers]:
    with DecodeWorkers(2, Limits(max_bytes=8 * 2**20, max_pixels=4_000_000, max_seconds=5.0)) as started:
        yield started


def test_a_worker_sees_what_this_process_sees(
    workers: DecodeWorkers, noise: Image.Image, file_of: FileOf, limits: Limits
) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0132] = "Canon", "EOS R5", "2021:07:14 10:20:30"
    data = file_of(noise, "JPEG", exif=exif)
    here, there = decode(data, limits, where="it"), workers.decode(data, where="it")
    assert np.array_equal(here.pixels, there.pixels)
    assert (here.size, here.kind, here.metadata) == (there.size, there.kind, there.metadata)
    assert there.metadata.camera == "Canon EOS R5"


def test_one_reading_gives_the_hash_the_pixels_and_the_thumbnail(
    workers: DecodeWorkers, noise: Image.Image, file_of: FileOf, tmp_path: Path
) -> None:
    path = tmp_path / "ünïcode \udcff.png" if sys.platform == "linux" else tmp_path / "a.png"
    data = file_of(noise, "PNG")
    path.write_bytes(data)
    loaded = workers.read(path, at_least=64, thumbnail=100)
    assert loaded.content == content_hash(data)
    assert loaded.bytes == len(data)
    assert loaded.modified_ns == path.stat().st_mtime_ns
    assert min(loaded.decoded.pixels.shape[:2]) >= 64
    assert loaded.thumbnail is not None
    assert decode(loaded.thumbnail, Limits(10**6, 10**6, 1), where="it").pixels.shape == (75, 100, 3)


def test_a_refusal_comes_back_as_what_it_was(workers: DecodeWorkers, tmp_path: Path) -> None:
    with pytest.raises(NotAPicture, match=r"^the text is not a picture"):
        workers.decode(b"just text", where="the text")
    with pytest.raises(Unreadable, match="does not exist"):
        workers.read(tmp_path / "nothing.jpg")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unreadable, match="not a regular file"):
        workers.read(tmp_path / "pipe")


def test_many_threads_share_few_workers(workers: DecodeWorkers, file_of: FileOf) -> None:
    files = [file_of(Image.new("RGB", (40, 30), (shade, 0, 0)), "PNG") for shade in range(60)]
    with ThreadPoolExecutor(8) as pool:
        shades = [d.pixels[0, 0, 0] for d in pool.map(lambda data: workers.decode(data, where="it"), files)]
    assert shades == list(range(60))


def test_a_slow_picture_ends_its_worker_and_the_next_one_is_decoded(
    noise: Image.Image, file_of: FileOf
) -> None:
    limits = Limits(max_bytes=2**24, max_pixels=10**8, max_seconds=0.05)
    slow = file_of(Image.new("RGB", (9000, 9000), "white"), "PNG", compress_level=1)
    with DecodeWorkers(1, limits) as workers:
        workers.decode(file_of(noise, "BMP"), where="first")
        with pytest.raises(PictureTooLarge, match=r"^the slow one took longer than 0\.05 s"):
            workers.decode(slow, where="the slow one")
        assert workers.decode(file_of(noise, "BMP"), where="next").kind == "bmp"


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_a_killed_worker_costs_one_refusal(noise: Image.Image, file_of: FileOf, limits: Limits) -> None:
    data = file_of(noise, "PNG")
    with DecodeWorkers(1, limits) as workers:
        workers.decode(data, where="first")
        for child in _children():
            os.kill(child, signal.SIGKILL)
        with pytest.raises(NotAPicture, match="made the decoder fail"):
            workers.decode(data, where="unlucky")
        assert workers.decode(data, where="next").kind == "png"


@pytest.mark.skipif(sys.platform == "win32", reason="no address-space limit")
def test_memory_is_bounded_by_the_kernel(file_of: FileOf) -> None:
    # The limit follows max_pixels; a process that is allowed little must refuse, not grow.
    limits = Limits(max_bytes=2**26, max_pixels=1000, max_seconds=5)
    with DecodeWorkers(1, limits) as workers:
        workers.decode(file_of(Image.new("RGB", (9, 9)), "PNG"), where="it")
        status = [Path(f"/proc/{child}/limits").read_text() for child in _children()]
    assert all(str(2**30 + 12 * 1000) in text for text in status)
    assert status


def test_no_process_outlives_its_owner(limits: Limits) -> None:
    before = set(_children())
    with DecodeWorkers(3, limits):
        assert len(set(_children()) - before) == 3
    deadline = time.monotonic() + 10
    while set(_children()) - before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not set(_children()) - before


def test_a_module_in_the_folder_of_pictures_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noise: Image.Image, file_of: FileOf, limits: Limits
) -> None:
    (tmp_path / "PIL.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    with DecodeWorkers(1, limits) as workers:
        assert workers.decode(file_of(noise, "PNG"), where="it").kind == "png"


def _children() -> list[int]:
    psutil = pytest.importorskip("psutil")
    workers = psutil.Process().children()
    return [child.pid for child in workers if child.status() != psutil.STATUS_ZOMBIE]
