"""``dinoscope doctor``: is everything there that a user's first question would be about?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import typer

from dinoscope.cli.options import (
    JsonOption,
    LibraryOption,
    ModelOption,
    OfflineOption,
    PrecisionOption,
    RuntimeOption,
    ThreadsOption,
    settings_of,
)
from dinoscope.cli.output import escaped, in_bytes, print_json, say
from dinoscope.errors import DinoscopeError, NoLibrary
from dinoscope.settings import Settings

SPARE = 500_000_000  # bytes of free disk below which indexing will soon stop
EXTRAS = {
    "geometry": ("cv2", "a geometric verdict beside matches"),
    "heic": ("pillow_heif", "HEIC pictures"),
    "hub": ("huggingface_hub", "fetching official models"),
    "map": ("pacmap", "a map that keeps neighbourhoods"),
    "openvino": ("openvino", "a faster runtime on Intel CPUs"),
    "ray": ("ray", "one library on many machines"),
    "torch": ("torch", "the torch runtime, GPUs"),
    "video": ("av", "videos, whose frames are pictures"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report. ``ok`` None is a remark, no fault."""

    name: str
    ok: bool | None
    detail: str


def doctor(
    *,
    library: LibraryOption = None,
    model: ModelOption = None,
    precision: PrecisionOption = None,
    runtime: RuntimeOption = None,
    threads: ThreadsOption = None,
    offline: OfflineOption = False,
    json: JsonOption = False,
) -> None:
    """Check that Dinoscope can do its work here; exit 1 on a fault."""
    settings = settings_of(
        offline, library=library, model=model, precision=precision, runtime=runtime, threads=threads
    )
    checks = []
    for check in examined(settings):
        checks.append(check)
        if not json:
            mark = {True: "[green]ok[/]   ", False: "[red]fault[/]", None: "[dim]note[/] "}[check.ok]
            say(f"{mark} [bold]{check.name}[/]  {escaped(check.detail)}")
    sound = all(check.ok is not False for check in checks)
    if json:
        print_json({"ok": sound, "checks": checks})
    if not sound:
        raise typer.Exit(1)


def examined(settings: Settings) -> Iterator[Check]:
    """Every check, as soon as it is done; none can stop the others."""
    import platform

    yield Check("versions", True, _versions())
    yield Check("machine", True, f"{platform.platform()}, {os.cpu_count()} cores")
    yield _tried("model", lambda: _model(settings))
    yield _tried("library", lambda: _library(settings))
    yield _tried("cache", lambda: _writable(settings.cache))
    yield _disk(settings.library)
    yield _tried("page", _page)
    for extra, (module, use) in EXTRAS.items():
        there = find_spec(module) is not None
        hint = "installed" if there else f"not installed: pip install 'dinoscope[{extra}]'"
        yield Check(extra, True if there else None, f"{use}: {hint}")


def _tried(name: str, work: Callable[[], str]) -> Check:
    try:
        return Check(name, True, work())
    except NoLibrary as missing:
        return Check(name, None, str(missing))
    except DinoscopeError as error:
        return Check(name, False, str(error))
    except Exception as bug:  # noqa: BLE001  a doctor reports whatever it finds, also a broken installation
        return Check(name, False, f"{type(bug).__name__}: {bug}")


def _versions() -> str:
    import platform

    parts = ["dinoscope", "numpy", "pillow", "onnxruntime", "faiss-cpu"]
    found = [f"{part} {version}" for part in parts if (version := _version(part))]
    return ", ".join([f"Python {platform.python_version()}", *found])


def _version(distribution: str) -> str:
    from importlib import metadata  # 20 ms, which every command would pay

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _model(settings: Settings) -> str:
    from time import perf_counter

    import numpy as np

    from dinoscope.models.loading import load_backbone

    started = perf_counter()
    backbone = load_backbone(settings)
    loaded = perf_counter()
    picture = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    vector = backbone.describe([picture])[0]
    encoded = perf_counter()
    if vector.shape != (backbone.dimension,) or abs(float(np.linalg.norm(vector)) - 1) > 1e-3:
        raise DinoscopeError(f"{settings.model} gives no unit vector: fetch its weights again")
    return (
        f"{backbone.identity.key}, {backbone.dimension} dimensions, loaded in {loaded - started:.2f} s, "
        f"a picture in {(encoded - loaded) * 1000:.0f} ms"
    )


def _library(settings: Settings) -> str:
    from dinoscope.cluster.opening import opened

    with opened(settings.library) as library:
        findings = list(library.verify(every_vector=False))
        info = library.info()
    if findings:
        raise DinoscopeError(f"{findings[0].what}: {findings[0].mend}")
    return f"{info.pictures:,} pictures at {info.folder}, {in_bytes(info.bytes)}, sound"


def _writable(folder: Path) -> str:
    from tempfile import NamedTemporaryFile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DinoscopeError(f"{folder} cannot be written ({error.strerror}): set DINOSCOPE_CACHE") from None
    return f"{folder} is writable"


def _disk(folder: Path) -> Check:
    import shutil

    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(there).free
    detail = f"{in_bytes(free)} free for {folder}"
    return Check("disk", free >= SPARE, detail if free >= SPARE else f"{detail}: make room before indexing")


def _page() -> str:
    import dinoscope

    page = Path(dinoscope.__file__).parent / "server" / "bundle" / "index.html"
    if not page.is_file():
        raise DinoscopeError("the web page was not built: run make page in a checkout, or install a wheel")
    return "built"
