from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import numpy as np
import pytest
from PIL import Image
from tests.hostile.containers import many_scans

from dinoscope.errors import DinoscopeError, NotAPicture, PictureTooLarge, Unreadable
from dinoscope.geometry import Size
from dinoscope.pictures import worker
from dinoscope.pictures.decoding import decode
from dinoscope.pictures.frames import receive, send
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.masks import fitted, mask_of
from dinoscope.pictures.reading import content_hash
from dinoscope.pictures.workers import DecodeWorkers

psutil = pytest.importorskip("psutil")
FileOf = Callable[..., bytes]
posix = pytest.mark.skipif(sys.platform == "win32", reason="no signals")


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


def test_a_worker_tells_what_is_transparent(
    workers: DecodeWorkers, file_of: FileOf, limits: Limits, tmp_path: Path
) -> None:
    image = Image.new("RGBA", (40, 30), (10, 20, 30, 255))
    image.putalpha(Image.linear_gradient("L").resize((40, 30)))
    data = file_of(image, "WEBP", lossless=True)
    (tmp_path / "a.webp").write_bytes(data)
    here = decode(data, limits, where="it").opacity
    assert here is not None
    assert here.min() < 10
    for there in (workers.decode(data, where="it"), workers.read(tmp_path / "a.webp", thumbnail=20).decoded):
        assert there.opacity is not None
        assert np.array_equal(here, there.opacity)


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


def test_a_worker_reads_a_mask_as_this_process_does(
    workers: DecodeWorkers, file_of: FileOf, limits: Limits
) -> None:
    painted = Image.new("L", (32, 24))
    painted.paste(255, (3, 5, 20, 11))
    data, picture = file_of(painted, "PNG"), Size(65, 49)
    here = fitted(mask_of(data, limits, "the mask"), picture)
    assert np.array_equal(workers.mask(data, picture, where="the mask").pixels, here.pixels)
    for wrong, sentence in (
        (file_of(Image.new("L", (32, 24)), "PNG"), "the mask marks nothing"),
        (file_of(Image.new("L", (9, 99), 255), "PNG"), "does not fit"),
        (many_scans(64, 101), "more than 100 scans"),
    ):
        with pytest.raises(DinoscopeError, match=sentence):
            workers.mask(wrong, picture, where="the mask")


def test_many_threads_share_few_workers(workers: DecodeWorkers, file_of: FileOf) -> None:
    files = [file_of(Image.new("RGB", (40, 30), (shade, 0, 0)), "PNG") for shade in range(60)]
    with ThreadPoolExecutor(8) as pool:
        shades = [d.pixels[0, 0, 0] for d in pool.map(lambda data: workers.decode(data, where="it"), files)]
    assert shades == list(range(60))


@posix
def test_a_hanging_decoder_is_ended_and_the_next_picture_is_decoded(
    noise: Image.Image, file_of: FileOf
) -> None:
    limits = Limits(max_bytes=2**24, max_pixels=10**6, max_seconds=1.5)
    data, before = file_of(noise, "BMP"), _children()
    with DecodeWorkers(1, limits) as workers:
        workers.decode(data, where="first")
        (child,) = _children() - before
        child.suspend()
        with pytest.raises(PictureTooLarge, match=r"^the slow one took longer than 1\.5 s"):
            workers.decode(data, where="the slow one")
        assert workers.decode(data, where="next").kind == "bmp"
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


@posix
def test_a_picture_that_kills_its_decoder_costs_one_refusal(
    corner: Image.Image, file_of: FileOf, limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, before = file_of(corner, "PNG"), _children()
    with DecodeWorkers(1, limits) as workers:
        workers.decode(data, where="first")
        (child,) = _children() - before

        def send_and_kill(*frame: Any) -> None:
            child.suspend()
            send(*frame)
            child.kill()

        with monkeypatch.context() as patched:
            patched.setattr("dinoscope.pictures.workers.send", send_and_kill)
            with pytest.raises(NotAPicture, match=r"^unlucky made the decoder fail"):
                workers.decode(data, where="unlucky")
        assert workers.decode(data, where="next").kind == "png"


@posix
def test_a_decoder_that_was_killed_while_idle_costs_nothing(
    noise: Image.Image, file_of: FileOf, limits: Limits
) -> None:
    data, before = file_of(noise, "PNG"), _children()
    with DecodeWorkers(1, limits) as workers:
        workers.decode(data, where="first")
        (child,) = _children() - before
        child.kill()
        while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        assert workers.decode(data, where="next").kind == "png"


def test_an_interrupted_call_leaves_no_answer_for_the_next_one(
    noise: Image.Image, corner: Image.Image, file_of: FileOf, limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with DecodeWorkers(1, limits) as workers:
        workers.decode(file_of(noise, "PNG"), where="first")
        with monkeypatch.context() as patched:
            patched.setattr("dinoscope.pictures.workers.receive", interrupt)
            with pytest.raises(KeyboardInterrupt):
                workers.decode(file_of(noise, "PNG"), where="interrupted")
        assert workers.decode(file_of(corner, "PNG"), where="next").size == Size(64, 48)


@pytest.mark.parametrize(
    "reply",
    [
        ({"bodies": [2**40]},),
        ({"bodies": [-1]},),
        ({"error": "SystemExit", "sentence": "gone"},),
        ({"shape": [9, 9, 3], "size": [9, 9], "kind": "png", "metadata": {"taken_at": None}}, b"short", b""),
        ({"shape": [1, 1, 3], "size": [0, 0], "kind": "png", "metadata": {"taken_at": None}}, b"abc", b""),
        ({},),
    ],
)
def test_a_decoder_that_was_taken_over_is_not_believed(
    reply: tuple[Any, ...],
    corner: Image.Image,
    file_of: FileOf,
    limits: Limits,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hostile(stream: BinaryIO, most: int) -> tuple[dict[str, Any], list[bytearray]]:
        receive(stream, most)
        forged = BytesIO()
        header, *bodies = reply
        if "bodies" in header:
            text = json.dumps(header).encode()
            forged.write(struct.pack("<I", len(text)) + text)
        else:
            send(forged, header, *bodies)
        forged.seek(0)
        return receive(forged, most)

    with DecodeWorkers(1, limits) as workers:
        data = file_of(corner, "PNG")
        workers.decode(data, where="first")
        with monkeypatch.context() as patched:
            patched.setattr("dinoscope.pictures.workers.receive", hostile)
            with pytest.raises(NotAPicture, match="made the decoder fail"):
                workers.decode(data, where="it")
        assert workers.decode(data, where="next").kind == "png"


def test_no_decoder_outlives_its_parent(tmp_path: Path) -> None:
    code = (
        "import os, signal, psutil; from dinoscope.pictures.workers import DecodeWorkers; "
        "from dinoscope.pictures.limits import Limits; workers = DecodeWorkers(2, Limits(9**6, 9**6, 1)); "
        "print(*[child.pid for child in psutil.Process().children()], flush=True); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    children = [int(pid) for pid in done.stdout.split()]
    assert len(children) == 2
    patience = time.monotonic() + 60
    while any(_alive(pid) for pid in children):
        assert time.monotonic() < patience
        time.sleep(0.05)


def test_pixels_from_a_worker_may_be_written_to(
    workers: DecodeWorkers, corner: Image.Image, file_of: FileOf
) -> None:
    pixels = workers.decode(file_of(corner, "PNG"), where="it").pixels
    pixels[0, 0] = 7
    assert pixels[0, 0, 0] == 7


@pytest.mark.skipif(sys.platform == "win32", reason="no address-space limit")
def test_memory_is_bounded_by_the_kernel(file_of: FileOf) -> None:
    # The limit follows max_pixels; a process that is allowed little must refuse, not grow.
    limits = Limits(max_bytes=2**26, max_pixels=1000, max_seconds=5)
    before = _children()
    with DecodeWorkers(1, limits) as workers:
        workers.decode(file_of(Image.new("RGB", (9, 9)), "PNG"), where="it")
        status = [Path(f"/proc/{child.pid}/limits").read_text() for child in _children() - before]
    assert all(str(2**30 + 12 * 1000) in text for text in status)
    assert status


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_decoder_knows_no_secret_and_can_write_no_file(
    corner: Image.Image, file_of: FileOf, limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {"DINOSCOPE_TOKEN": "a long secret", "AWS_SECRET_ACCESS_KEY": "another", "HF_TOKEN": "a third"}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    before = _children()
    with DecodeWorkers(1, limits) as workers:
        workers.decode(file_of(corner, "PNG"), where="it")
        (child,) = _children() - before
        around, status = child.environ(), Path(f"/proc/{child.pid}/limits").read_text()
    assert not set(secrets.values()) & set(around.values())
    assert around["PATH"] == os.environ["PATH"]
    sizes = next(line for line in status.splitlines() if line.startswith("Max file size"))
    assert sizes.split()[3:5] == ["0", "0"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_an_idle_decoder_gives_back_what_large_pictures_took(
    limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    trimmed: list[int] = []
    monkeypatch.setattr("ctypes.CDLL", lambda _: SimpleNamespace(malloc_trim=trimmed.append))
    worker.give_back(most=2**60)
    assert trimmed == []
    worker.give_back(most=0)
    assert trimmed == [0]
    for name in ("_warm_up", "confine", "alarm"):
        monkeypatch.setattr(worker, name, lambda _: None)
    asked: list[None] = []
    monkeypatch.setattr(worker, "give_back", lambda: asked.append(None))
    orders = BytesIO()
    send(orders, {"limits": asdict(limits)})
    for _ in range(2):
        send(orders, {"mask": [9, 9], "where": "it"}, b"no picture")
    orders.seek(0)
    with pytest.raises(EOFError):
        worker._serve(orders, BytesIO())
    assert len(asked) == 2, "after each"


def test_no_process_outlives_its_owner(limits: Limits) -> None:
    before = _children()
    with DecodeWorkers(3, limits):
        assert len(_children() - before) == 3
    deadline = time.monotonic() + 10
    while _children() - before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _children() - before


def test_a_module_in_the_folder_of_pictures_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noise: Image.Image, file_of: FileOf, limits: Limits
) -> None:
    (tmp_path / "PIL.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    with DecodeWorkers(1, limits) as workers:
        assert workers.decode(file_of(noise, "PNG"), where="it").kind == "png"


def _children() -> set[Any]:
    return {child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE}


def _alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
