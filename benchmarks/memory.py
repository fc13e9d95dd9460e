"""Memory: is a thing that was taught from photos found where it is, and nowhere else?

    python benchmarks/memory.py                          # the sample's details, laid over its pictures
    apt-get download tuxpaint-stamps-default plasma-workspace-wallpapers mate-backgrounds gnome-backgrounds
    for package in *.deb; do dpkg -x $package packages; done
    python benchmarks/memory.py packages --photos photos.tar
    python benchmarks/memory.py packages --photos photos.tar --video --things 8   # benchmarks/_moving.py
    python benchmarks/memory.py packages --photos photos.tar --library 10000 --things 12 --threads 2

Each thing is a cut-out. It is taught from scenes with a box round it, then looked for in others: turned
by up to 30 degrees, mirrored at times, bent a little, in other light, blurred, as JPEG, on other grounds,
some partly hidden behind a second thing; half of them have a lookalike, another cut-out of the same kind.
Pictures without it have a lookalike (``lookalike``), or nothing that was laid there (``bare``).

Right is a sighting whose box overlaps the true one by half. Of the right ones, "box" and "mask" are the means
of intersection over union with what is seen of the thing. A false alarm is a picture without the thing in
which something is sighted. Every second cut-out and ground is for development, the others for the report.

Beside it, in the same pictures: ``crop`` searches windows of three sizes by the global descriptor of the
taught crop; ``SIFT`` and ``ORB`` (OpenCV) match points of the crop, look for a homography. Their line
is drawn where at most one in a hundred pictures without the thing lies above it; ours is the product's own.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from math import exp, log
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dinoscope.features import Pixels
from dinoscope.geometry import Box, Size
from dinoscope.library.library import Library
from dinoscope.models.loading import load_backbone
from dinoscope.operations.session import Session
from dinoscope.settings import load_settings

sys.path.append(str(Path(__file__).resolve().parent.parent))
from benchmarks._things import BANDS, Grounds, Scene, Thing, View, composed, things

RIGHT = 0.5
ALARMS = 0.01  # of the pictures without the thing, where the line of a baseline is drawn
TAUGHT = (0.05, 0.3)  # share of the photo that a taught thing covers


@dataclass
class Case:
    """One picture somebody asks about."""

    thing: int
    kind: str  # "present", "lookalike" or "bare"
    scene: Scene


@dataclass
class Outcome:
    """What one contestant says of a case."""

    score: float
    box: Box | None = None
    mask: NDArray[np.bool_] | None = None
    seconds: float = 0.0  # of this picture, without what teaching took
    teaching: float = 0.0  # seconds, where this case was the thing's first


Finder = Callable[[Case, Sequence[Scene]], Outcome]
Windows = dict[int, tuple[list[Box], NDArray[np.float32], float]]  # of each case; and the seconds they took


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("packages", type=Path, nargs="?", help="the unpacked Debian packages")
    parser.add_argument("--photos", type=Path, help="a .tar of photos: grounds beside the wallpapers")
    parser.add_argument("--half", choices=("development", "test"), default="test")
    parser.add_argument("--things", type=int, default=40)
    parser.add_argument("--taught", type=int, nargs="+", default=[3], help="numbers of photos to teach from")
    parser.add_argument("--each", type=int, default=1, help="scenes of each size")
    parser.add_argument("--opencv", type=Path, help="the folder with box.png and box_in_scene.png")
    parser.add_argument("--video", action="store_true", help="things that move over photos that pan")
    parser.add_argument("--library", type=int, metavar="N", help="ask a library of so many pictures")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--only", nargs="+", help="contestants")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", type=Path, help="append each outcome as a line of JSON")
    arguments = parser.parse_args()
    settings = load_settings().with_overrides(precision=arguments.precision, threads=arguments.threads)
    backbone = load_backbone(settings)
    print(f"{backbone.identity.key}; {platform.machine()}, {datetime.now(UTC):%Y-%m-%d}", flush=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Library.open(Path(folder) / "library", write=True) as library,
    ):
        session = Session(library, settings, backbone)
        if arguments.opencv:
            box_in_scene(session, arguments.opencv)
        chosen = spread(things(arguments.packages, arguments.half), arguments.things)
        grounds = Grounds(arguments.packages, arguments.photos, arguments.half)
        if arguments.video:
            from benchmarks._moving import followed  # needs PyAV

            print(followed(session, chosen, grounds, Path(folder), seed=arguments.seed), flush=True)
            return
        if arguments.library:
            from benchmarks._recalled import recalled

            print(
                recalled(session, chosen, grounds, Path(folder), size=arguments.library, seed=arguments.seed)
            )
            return
        taught, cases = made(chosen, grounds, max(arguments.taught), arguments.each, arguments.seed)
        windows: Windows = {}
        for photos in arguments.taught:
            contestants: dict[str, Callable[[], Finder]] = {
                "dinoscope": partial(product, session, photos),
                "crop": partial(crop, session, windows),
                "SIFT": partial(points, "SIFT"),
                "ORB": partial(points, "ORB"),
            }
            for name in arguments.only or contestants:
                outcomes = asked(
                    name, contestants[name](), cases, [each[:photos] for each in taught], arguments.record
                )
                print(
                    report(f"{name}, {photos} photos", cases, outcomes, own=name == "dinoscope"), flush=True
                )


def spread(every: list[Thing], count: int) -> list[Thing]:
    """So many, evenly from the list."""
    return [every[number * len(every) // count] for number in range(min(count, len(every)))]


def made(
    chosen: Sequence[Thing], grounds: Grounds, photos: int, each: int, seed: int
) -> tuple[list[list[Scene]], list[Case]]:
    """The photos of each thing, and the cases."""
    taught, cases = [], []
    for number, thing in enumerate(chosen):
        dice = random.Random(f"{seed} {thing.name}")
        taught.append(
            [composed(thing.path, [], grounds, View(between(TAUGHT, dice)), dice) for _ in range(photos)]
        )
        for low, high in pairwise(BANDS):
            for _ in range(each):
                others = [dice.choice(thing.kin)] if dice.random() < 0.5 else []
                scene = composed(thing.path, others, grounds, View(between((low, high), dice)), dice)
                cases.append(Case(number, "present", scene))
        for kind, others in (("lookalike", [dice.choice(thing.kin)]), ("bare", [])):
            for _ in range(2 * each):
                scene = composed(None, others, grounds, View(between((0.01, 0.3), dice)), dice)
                cases.append(Case(number, kind, scene))
    return taught, cases


def between(ends: tuple[float, float], dice: random.Random) -> float:
    return exp(dice.uniform(log(ends[0]), log(ends[1])))


def asked(
    name: str, finder: Finder, cases: Sequence[Case], taught: Sequence[Sequence[Scene]], record: Path | None
) -> list[Outcome]:
    outcomes = []
    for case in cases:
        started = process_time()
        outcome = finder(case, taught[case.thing])
        outcome.seconds += process_time() - started - outcome.teaching
        outcomes.append(outcome)
        if record:
            about = {
                "who": name,
                "thing": case.thing,
                "kind": case.kind,
                "share": case.scene.share,
                "hidden": case.scene.hidden,
                "score": outcome.score,
                "box": overlap(case, outcome),
                "mask": mask_overlap(case, outcome),
                "photos": len(taught[case.thing]),
                "seconds": outcome.seconds,
                "teaching": outcome.teaching,
            }
            with record.open("a") as file:
                file.write(json.dumps(about) + "\n")
    return outcomes


def product(session: Session, photos: int) -> Finder:
    """What ``dinoscope remember`` and ``where`` do."""
    known: set[int] = set()

    def find(case: Case, taught: Sequence[Scene]) -> Outcome:
        name, started = f"thing {case.thing} from {photos}", process_time()
        if case.thing not in known:
            for other in session.objects.all():
                session.objects.forget(
                    other.name
                )  # each thing is alone in memory: nothing helps by being another
            session.objects.remember(name, *((scene.pixels, scene.box) for scene in taught))
            known.add(case.thing)
        teaching = process_time() - started
        found = session.objects.where(name, case.scene.pixels)
        if not found:
            return Outcome(0.0, teaching=teaching)
        best = found[0]
        return Outcome(best.probability, best.box, best.mask_in_picture().pixels, teaching=teaching)

    return find


def crop(session: Session, windows: Windows) -> Finder:
    """Windows of three sizes, by the global descriptor of the crops."""
    kept: dict[int, NDArray[np.float32]] = {}

    def find(case: Case, taught: Sequence[Scene]) -> Outcome:
        if case.thing not in kept:
            crops = [cut(scene.pixels, scene.box) for scene in taught if scene.box]
            kept[case.thing] = session.backbone.describe(crops)
        if id(case) not in windows:
            size = Size(case.scene.pixels.shape[1], case.scene.pixels.shape[0])
            boxes = list(grid_of_windows(size))
            started = process_time()
            found = session.backbone.describe([cut(case.scene.pixels, box) for box in boxes])
            windows[id(case)] = boxes, found, process_time() - started
            again = 0.0
        else:
            again = windows[id(case)][2]
        boxes, found, _ = windows[id(case)]
        scores = (found @ kept[case.thing].T).max(axis=1)
        best = int(scores.argmax())
        return Outcome(float(scores[best]), boxes[best], seconds=again)

    return find


def grid_of_windows(size: Size) -> list[Box]:
    """Squares of three sizes, overlapping by half: 41 of a square picture."""
    found = []
    shorter = min(size.width, size.height)
    for share in (0.25, 0.45, 0.8):
        side = share * shorter
        rows, columns = (max(1, round(2 * (length / side - 1)) + 1) for length in (size.height, size.width))
        for row in range(min(rows, 5)):
            for column in range(min(columns, 5)):
                top = row * (size.height - side) / max(min(rows, 5) - 1, 1)
                left = column * (size.width - side) / max(min(columns, 5) - 1, 1)
                found.append(Box(left, top, left + side, top + side))
    return found


def cut(pixels: Pixels, box: Box) -> Pixels:
    return np.ascontiguousarray(
        pixels[
            int(box.top) : max(int(box.bottom), int(box.top) + 2),
            int(box.left) : max(int(box.right), int(box.left) + 2),
        ]
    )


def points(kind: str) -> Finder:
    """Points of the crop matched with those of the picture, and a homography that most agree with."""
    import cv2 as cv

    maker: Any = cv.SIFT_create() if kind == "SIFT" else cv.ORB_create(nfeatures=2000)
    norm = cv.NORM_L2 if kind == "SIFT" else cv.NORM_HAMMING
    kept: dict[int, list[tuple[Any, Any, tuple[int, int]]]] = {}

    def described(pixels: Pixels) -> tuple[Any, Any]:
        return maker.detectAndCompute(cv.cvtColor(np.ascontiguousarray(pixels), cv.COLOR_RGB2GRAY), None)  # type: ignore[no-any-return]

    def find(case: Case, taught: Sequence[Scene]) -> Outcome:
        if case.thing not in kept:
            crops = [cut(scene.pixels, scene.box) for scene in taught if scene.box]
            mirrored = [np.ascontiguousarray(one[:, ::-1]) for one in crops]
            kept[case.thing] = [(*described(one), one.shape[:2]) for one in (*crops, *mirrored)]
        there = described(case.scene.pixels)
        best = Outcome(0.0)
        for keys, vectors, shape in kept[case.thing]:
            if vectors is None or there[1] is None or len(vectors) < 4 or len(there[1]) < 4:
                continue
            pairs = cv.BFMatcher(norm).knnMatch(vectors, there[1], k=2)
            good = [one for one, *other in pairs if other and one.distance < 0.8 * other[0].distance]
            if len(good) < 4:
                continue
            start = np.array([keys[one.queryIdx].pt for one in good], np.float32)
            end = np.array([there[0][one.trainIdx].pt for one in good], np.float32)
            matrix, inside = cv.findHomography(start, end, cv.RANSAC, 4.0)
            if matrix is None or inside.sum() <= best.score:
                continue
            high, wide = shape
            corners = np.array([[[0, 0], [wide, 0], [wide, high], [0, high]]], np.float32)
            ends = cv.perspectiveTransform(corners, matrix)[0]
            low = np.maximum(ends.min(axis=0), 0)
            top = np.minimum(ends.max(axis=0), case.scene.pixels.shape[1::-1])
            if (low < top).all():
                best = Outcome(float(inside.sum()), Box(*low.tolist(), *top.tolist()))
        return best

    return find


def overlap(case: Case, outcome: Outcome) -> float:
    true = case.scene.box
    return 0.0 if true is None or outcome.box is None else true.overlap(outcome.box)


def mask_overlap(case: Case, outcome: Outcome) -> float:
    true, found = case.scene.mask, outcome.mask
    return 0.0 if true is None or found is None else float((true & found).sum() / (true | found).sum())


def report(title: str, cases: Sequence[Case], outcomes: Sequence[Outcome], *, own: bool) -> str:
    """A table: all, then by size."""
    absent = [one.score for case, one in zip(cases, outcomes, strict=True) if case.kind != "present"]
    line = 0.5 if own else float(np.quantile(absent, 1 - ALARMS)) + 1e-9
    lines = [f"\n{title}: {1000 * np.mean([one.seconds for one in outcomes]):.0f} CPU ms a picture"]
    if own:
        told = [one.teaching for one in outcomes if one.teaching > 0.01]
        lines[0] += f", {np.mean(told):.1f} CPU s to teach a thing" if told else ""
        lines += [calibration(cases, outcomes)]
    for kind in ("lookalike", "bare"):
        scores = [one.score for case, one in zip(cases, outcomes, strict=True) if case.kind == kind]
        alarms = np.mean([score >= line for score in scores]) if scores else 0.0
        lines.append(f"  false alarms, {kind}: {alarms:.3f} of {len(scores)}")
    lines.append("  thing covers     n   right    box    mask")
    for low, high in [(0.0, 1.0), *pairwise(BANDS)]:
        inside = [
            (overlap(case, one), mask_overlap(case, one), one.score >= line)
            for case, one in zip(cases, outcomes, strict=True)
            if case.kind == "present" and low <= case.scene.share < high
        ]
        right = [one for one in inside if one[2] and one[0] >= RIGHT]
        if inside:
            boxes, masks = (np.mean([one[i] for one in right]) if right else 0.0 for i in (0, 1))
            name = "any" if high == 1 else f"{low:.1%} - {high:.1%}"
            lines.append(
                f"  {name:14} {len(inside):4}   {len(right) / len(inside):.3f}  {boxes:.3f}   {masks:.3f}"
            )
    return "\n".join(lines)


def calibration(cases: Sequence[Case], outcomes: Sequence[Outcome]) -> str:
    """Of what is said to be there, how sure it is said to be and how often it is right."""
    said = [
        (one.score, case.kind == "present" and overlap(case, one) >= RIGHT)
        for case, one in zip(cases, outcomes, strict=True)
        if one.score > 0
    ]
    lines = []
    for low, high in ((0.5, 0.8), (0.8, 0.95), (0.95, 1.01)):
        inside = [right for score, right in said if low <= score < high]
        if inside:
            lines.append(f"{low:.0%} - {min(high, 1):.0%} sure: {np.mean(inside):.2f} right of {len(inside)}")
    return "  " + "; ".join(lines)


def box_in_scene(session: Session, folder: Path) -> None:
    """OpenCV's pair: a box photographed alone, then in a scene, partly hidden."""
    alone, scene = (
        np.asarray(Image.open(folder / f"{name}.png").convert("RGB")) for name in ("box", "box_in_scene")
    )
    high, wide = alone.shape[:2]
    session.objects.remember("box", (alone, Box(1, 1, wide - 1, high - 1)))
    started = perf_counter()
    found = session.objects.where("box", scene)
    seconds = perf_counter() - started
    session.objects.forget("box")
    true = Box(89, 161, 285, 299)  # by the homography that 75 SIFT points agree with; some of it is hidden
    for one in found:
        print(
            f"box_in_scene: sure {one.probability:.2f}, overlap {one.box.overlap(true):.2f}, {seconds:.1f} s"
        )
    if not found:
        print(f"box_in_scene: not found, {seconds:.1f} s")


if __name__ == "__main__":
    main()
