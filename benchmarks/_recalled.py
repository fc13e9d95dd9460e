"""Where in a large library is a thing? For ``memory.py``: what that takes, and whether it is found.

Some scenes with each thing and some hundred photos are indexed. All other pictures are *filler*: files of
their own with the pixels of one of these photos, and tokens drawn from theirs, half of another's mixed in,
and turned away by some 25 degrees (as in ``regions_scale.py``). So the index has as many different pictures
as is said, and what it names can be opened and looked at.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from benchmarks._things import Grounds, Thing, View, composed
from benchmarks.regions_scale import filler
from PIL import Image

from dinoscope.features import RegionTokens, normalise
from dinoscope.geometry import Size
from dinoscope.library.records import NewFile, NewRegions
from dinoscope.operations.session import Session
from dinoscope.pictures.reading import content_hash

PHOTOS, SCENES = 300, 3  # without a thing, and with each
TAUGHT = 3
BATCH = 2_000  # pictures a commit
SHARES = (0.02, 0.06, 0.2)  # of a scene that the thing covers


def recalled(
    session: Session, chosen: Sequence[Thing], grounds: Grounds, folder: Path, *, size: int, seed: int
) -> str:
    """A table of one line."""
    dice = random.Random(f"library {seed}")
    album = folder / "album"
    album.mkdir()
    for number in range(PHOTOS):
        grounds.draw(dice).save(album / f"photo-{number}.jpg", quality=85)
    for number, thing in enumerate(chosen):
        for place, share in enumerate(SHARES[:SCENES]):
            scene = composed(thing.path, [], grounds, View(share), dice)
            Image.fromarray(scene.pixels).save(album / f"thing-{number}-{place}.jpg", quality=90)
    for _ in session.index(album):
        pass
    fill(session, folder / "filler", album, size)
    session.library.optimise()
    taught = []
    for number, thing in enumerate(chosen):
        started = process_time()
        photos = [composed(thing.path, [], grounds, View(0.15), dice) for _ in range(TAUGHT)]
        session.objects.remember(f"thing {number}", *((one.pixels, one.box) for one in photos))
        taught.append(process_time() - started)
    return asked(session, len(chosen))


def fill(session: Session, folder: Path, album: Path, size: int) -> None:
    """More pictures, until there are ``size``."""
    library, model = session.library, session.backbone.identity
    photos = [path.read_bytes() for path in sorted(album.glob("photo-*.jpg"))]
    with library.shelf(model.key).tokens() as view:
        rows = list(view.rows_of([content_hash(data) for data in photos]).values())
        table, basis = view.read(np.array(rows, np.int64)), view.basis
    real = [table[number] for number in range(len(rows))]
    for start in range(library.count(), size, BATCH):
        noise = np.random.default_rng(start)
        files: list[NewFile] = []
        tokens: dict[str, RegionTokens] = {}
        for number in range(start, min(size, start + BATCH)):
            data = photos[number % len(photos)] + str(number).encode()  # what follows a JPEG is no part of it
            path = folder / f"{number % 100:02}" / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            content = content_hash(data)
            with Image.open(BytesIO(data)) as picture:
                shape = Size(*picture.size)
            files.append(NewFile(path, folder, content, "jpeg", shape, len(data), path.stat().st_mtime_ns))
            tokens[content] = filler(real, noise)
        vectors = normalise(noise.standard_normal((len(files), session.backbone.dimension), np.float32))
        known = dict(zip(tokens, vectors, strict=True))
        library.commit(model, session.backbone.dimension, files, known, NewRegions(basis, tokens))


def asked(session: Session, things: int) -> str:
    """Each thing twice; the first time its tokens may come from the disk, and is not counted."""
    lines, hits, alarms = [], 0, 0
    for number in range(things):
        for again in (False, True):
            started, spent = perf_counter(), process_time()
            answer = session.objects.where_in_library(f"thing {number}")
            if again:
                took = perf_counter() - started
                lines.append((took, answer.index_seconds, process_time() - spent, answer.looked_at))
                names = {one.picture.path.name for one in answer.found}
                hits += sum(name.startswith(f"thing-{number}-") for name in names)
                alarms += sum(not name.startswith(f"thing-{number}-") for name in names)
    took, index, spent, looked = np.array(lines).T
    return (
        f"library of {session.library.count():,}: {1000 * np.median(took):.0f} ms p50, "
        f"{1000 * np.quantile(took, 0.95):.0f} p95 ({1000 * np.median(index):.0f} ms of it the index), "
        f"{1000 * np.median(spent):.0f} CPU ms; {np.mean(looked):.1f} pictures looked at; "
        f"found {hits} of {SCENES * things}, {alarms} wrong"
    )
