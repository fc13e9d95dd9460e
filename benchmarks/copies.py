"""Copies: are edited pictures found again, is their place right, and are others of their kind left alone?

    python benchmarks/_copy_edits.py EDITED ORIGINALS... --backgrounds OTHERS   # see there
    python benchmarks/copies.py --references FOLDER --edited EDITED --others EDITED2 --peers

Each edited picture is asked for in a library of the references, in which its original is; each of
``--others``, edited pictures of the same kinds, has none there. All answers of all queries are ranked by
their score. uAP is the area under their precision-recall curve (micro-average precision, as in the 2021
image similarity challenge), R@P90 the share of copies found at 90 % precision. IoU: the outline drawn, in
the edited picture and in the original, against where they truly lie. Peers answer in the same run: pHash
and dHash (package ImageHash), PDQ (package pdqhash) as it is and in 8 orientations, the model's descriptor
by cosine, and whitened, and imagededup's CNN (see ``_copy_networks``). Originals with next to nothing in
them, wallpapers of one colour, are left out: no one could say what a copy is.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dinoscope.features import FloatArray, Pixels
from dinoscope.library.library import Library
from dinoscope.operations import copy_query
from dinoscope.operations.copy_candidates import Whitening
from dinoscope.operations.copy_evidence import Evidence, Seen, examine
from dinoscope.operations.copy_maps import inverse, moved
from dinoscope.operations.copy_pixels import clipped
from dinoscope.operations.session import Session
from dinoscope.pictures.keypoints import SIDE, grey_of, keypoints
from dinoscope.settings import load_settings

sys.path.append(str(Path(__file__).resolve().parent.parent))
from benchmarks._copy_networks import networks

TOP = 10  # answers of a peer to each query that count


@dataclass(frozen=True, slots=True)
class Query:
    """An edited picture."""

    path: Path
    edit: str
    strength: int
    original: str | None  # name of its file among the references
    map: NDArray[np.float64] | None  # from the original's unit square to its pixels; None: not known
    size: tuple[int, int]


@dataclass(slots=True)
class Ranking:
    """Answers of one method: (score, is it the original?, query)."""

    answers: list[tuple[float, bool, int]] = field(default_factory=list)
    seconds: float = 0.0

    def numbers(self, copies: int) -> tuple[float, float, float]:
        """(uAP, R@P90, R@1), of so many queries with an original."""
        ranked = sorted(self.answers, key=lambda one: -one[0])
        right = np.cumsum([one[1] for one in ranked])
        precision = right / np.arange(1, len(ranked) + 1)
        hits = np.asarray([one[1] for one in ranked], np.bool_)
        good = right[precision >= 0.9]
        first: dict[int, bool] = {}
        for _, is_right, query in ranked:
            first.setdefault(query, is_right)
        at_one = sum(first.values())
        return float(precision[hits].sum() / copies), float(good.max(initial=0) / copies), at_one / copies


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--references", type=Path)
    parser.add_argument("--edited", type=Path)
    parser.add_argument("--others", type=Path)
    parser.add_argument("--library", type=Path, help="of the references, kept between runs")
    parser.add_argument("--stride", type=int, default=1, help="every so many queries")
    parser.add_argument("--first", type=int, default=0, help="the first query")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--log", type=Path, help="what was measured of every pair, for --fit")
    parser.add_argument("--fit", type=Path, help="print the weights that such a log asks for, and stop")
    arguments = parser.parse_args()
    if arguments.fit:
        return fit(arguments.fit)
    if not (arguments.references and arguments.edited):
        return print("copies.py wants --references and --edited: see its first lines")
    settings = load_settings().with_overrides(threads=1)
    with TemporaryDirectory(prefix="dinoscope-bench-") as scratch:
        folder = arguments.library or Path(scratch) / "library"
        queries = [
            *read(arguments.edited, arguments.first, arguments.stride),
            *(
                read(arguments.others, arguments.first, arguments.stride, known=False)
                if arguments.others
                else ()
            ),
        ]
        blank = {path.name for path in arguments.references.iterdir() if path.is_file() and is_blank(path)}
        kept = [query for query in queries if query.original not in blank]
        print(f"{len(blank)} references show nothing; {len(queries) - len(kept)} edits of them are left out")
        queries = kept
        with Session(Library.open(folder, write=True), settings) as session:
            if not session.library.count():
                for step in session.index(arguments.references):
                    print(f"\rindexing {step.done}/{step.found}", end="", flush=True)
            report(session, queries, arguments)
    return None


def read(folder: Path, first: int, stride: int, *, known: bool = True) -> Iterator[Query]:
    for one in json.loads((folder / "queries.json").read_text("utf-8"))[first::stride]:
        original = Path(one["original"]).name if known else None
        known_map = one["map"] is not None and one["edit"] != "screenshot"  # which AugLy does not tell
        matrix = np.asarray(one["map"], np.float64) if known_map else None
        matrix = matrix / matrix[2, 2] if matrix is not None else None
        size = (int(one["size"][0]), int(one["size"][1]))
        yield Query(folder / one["file"], one["edit"], one["strength"], original, matrix, size)


def is_blank(path: Path) -> bool:
    """Has a picture next to nothing in it?"""
    return len(keypoints(grey_of(pixels_of(path, SIDE)))) < 40


def report(session: Session, queries: Sequence[Query], arguments: argparse.Namespace) -> None:
    """Ask everything, and print."""
    tally = Tally()
    methods = dict(peer_methods(session, arguments.references)) if arguments.peers else {}
    logged = arguments.log.open("w", encoding="utf-8") if arguments.log else None
    pairs = logging_pairs() if logged else None
    with session.copies() as copies:
        for _ in copies.fingerprint():
            pass
        for number, query in enumerate(queries):
            started = time.perf_counter(), time.process_time()
            answer = copies.find(query.path, at_least=0.0)
            tally.mine.seconds += time.process_time() - started[1]
            best = 0.0
            for hit in answer.copies:
                right = hit.picture.path.name == query.original
                tally.mine.answers.append((score_of(hit.found.copy), right, number))
                best = max(best, hit.found.copy if right else 0.0)
                if right and hit.found.matrix and query.map is not None:
                    size = hit.picture.size.width, hit.picture.size.height
                    tally.places[query.edit].append(overlaps(query, size, hit.found.here, hit.found.there))
            if query.original is not None:
                tally.found[query.edit, query.strength].append(best)
            if logged and pairs is not None:
                for name, numbers in pairs:
                    line = {"right": name == query.original, "edit": query.edit, "numbers": numbers}
                    logged.write(json.dumps(line) + "\n")
                logged.flush()
                pairs.clear()
            for name, method in methods.items():
                begun = time.process_time()
                tally.peers[name].answers += [
                    (s, ref == query.original, number) for s, ref in method(query.path)
                ]
                tally.peers[name].seconds += time.process_time() - begun
            print(f"\r{number + 1}/{len(queries)}", end="", flush=True)
    show(session, queries, tally)


def score_of(probability: float) -> float:
    """Log-odds, which keep the order where probabilities round to 1."""
    return float(np.log(max(probability, 1e-300)) - np.log(max(1 - probability, 1e-16)))


@dataclass(slots=True)
class Tally:
    """Everything that was measured."""

    mine: Ranking = field(default_factory=Ranking)
    peers: dict[str, Ranking] = field(default_factory=lambda: defaultdict(Ranking))
    places: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    found: dict[tuple[str, int], list[float]] = field(default_factory=lambda: defaultdict(list))


def show(session: Session, queries: Sequence[Query], tally: Tally) -> None:
    """The tables."""
    copies = sum(query.original is not None for query in queries)
    print(f"\r{copies} edited pictures, {len(queries) - copies} without an original")
    library = f"{session.library.count()} references, {session.backbone.identity.key}"
    print(f"{library}, {datetime.now(UTC):%Y-%m-%d}\n")
    print(f"{'method':<24}{'uAP':>7}{'R@P90':>8}{'R@1':>7}{'CPU ms':>9}")
    for name, ranking in {"dinoscope copies": tally.mine, **tally.peers}.items():
        numbers = "".join(f"{100 * value:>7.1f}" for value in ranking.numbers(copies))
        print(f"{name:<24}{numbers}{1000 * ranking.seconds / len(queries):>10.0f}")
    every = [place for found in tally.places.values() for place in found]
    if every:
        here, there = np.asarray(every).T
        print(f"\nIoU of the shared region: edited {here.mean():.3f}, original {there.mean():.3f} "
              f"({len(every)} found)\n")  # fmt: skip
    print(f"{'edit':<16}{'found at 50 %, by strength':<30}{'IoU':>8}")
    for edit in sorted({query.edit for query in queries}):
        shares = [share_of(tally.found.get((edit, s), [])) for s in range(3)]
        overlap = np.mean(tally.places[edit]) if tally.places[edit] else np.nan
        print(f"{edit:<16}{'  '.join(f'{share:6.2f}' for share in shares):<30}{overlap:>8.2f}")


def share_of(best: Sequence[float]) -> float:
    """Of the copies, those that were found; nan where none was asked for."""
    return float(np.mean(np.asarray(best) >= 0.5)) if best else float("nan")


def overlaps(
    query: Query, size: tuple[int, int], here: Sequence[Sequence[float]], there: Sequence[Sequence[float]]
) -> tuple[float, float]:
    """IoU of the outlines drawn with the true ones, in the edited picture and in the original."""
    assert query.map is not None
    square = np.asarray([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
    wide, high = float(query.size[0]), float(query.size[1])
    true_here = clipped(moved(query.map, square), (wide, high))
    back = moved(inverse(query.map), true_here) * [size[0], size[1]]
    return (
        iou(np.asarray(here), true_here, query.size),
        iou(np.asarray(there), back, size),
    )


def iou(one: NDArray[np.float64], other: NDArray[np.float64], size: tuple[int, int]) -> float:
    masks = [raster(outline, size) for outline in (one, other)]
    union = (masks[0] | masks[1]).sum()
    return float((masks[0] & masks[1]).sum() / union) if union else 0.0


def raster(outline: NDArray[np.float64], size: tuple[int, int], side: int = 400) -> NDArray[np.bool_]:
    from PIL import ImageDraw

    canvas = Image.new("1", (side, side))
    if len(outline) >= 3:
        corners = [(float(x) * side / size[0], float(y) * side / size[1]) for x, y in outline]
        ImageDraw.Draw(canvas).polygon(corners, fill=1)
    return np.asarray(canvas, np.bool_)


# Peers: each takes a path and answers (score, name of a reference), the best few

Method = Callable[[Path], list[tuple[float, str]]]


def peer_methods(session: Session, references: Path) -> Iterator[tuple[str, Method]]:
    files = sorted(path for path in references.iterdir() if path.is_file())
    names = [path.name for path in files]
    yield from hashes(files, names)
    library, backbone = session.library, session.backbone
    known = {picture.path.name: picture for picture in library.page(limit=1000).pictures}
    vectors = library.shelf(backbone.identity.key).vectors_of([known[name].content for name in names])
    table = np.stack([vectors[known[name].content] for name in names])
    whitening = Whitening.of(table)

    def described(path: Path) -> FloatArray:
        return np.asarray(backbone.describe([pixels_of(path, 640)])[0])

    yield "descriptor, cosine", lambda path: best(table @ described(path), names)
    for title, network in networks():
        seen = np.stack([network(path) for path in files])
        yield title, cosine(seen, names, network)
    white = whitening(table)
    yield "descriptor, whitened", lambda path: best(white @ whitening(described(path)[None])[0], names)


def hashes(files: Sequence[Path], names: list[str]) -> Iterator[tuple[str, Method]]:
    """Those whose package is installed."""
    try:
        import imagehash
    except ImportError:
        imagehash = None
    for title, make in (("pHash", "phash"), ("dHash", "dhash")) if imagehash else ():
        function = getattr(imagehash, make)
        table = np.stack([function(opened(path)).hash.ravel() for path in files])
        yield title, nearest_bits(table, names, hasher(function))
    try:
        import pdqhash
    except ImportError:
        return
    table = np.stack([pdqhash.compute(pixels_of(path, 512))[0] for path in files])
    yield "PDQ", nearest_bits(table, names, lambda path: pdqhash.compute(pixels_of(path, 512))[0][None])
    yield (
        "PDQ, 8 orientations",
        nearest_bits(table, names, lambda path: np.stack(pdqhash.compute_dihedral(pixels_of(path, 512))[0])),
    )


def cosine(table: FloatArray, names: list[str], make: Callable[[Path], FloatArray]) -> Method:
    return lambda path: best(table @ make(path), names)


def hasher(function: Callable[[Image.Image], Any]) -> Callable[[Path], NDArray[Any]]:
    return lambda path: np.asarray(function(opened(path)).hash).ravel()[None]


def nearest_bits(table: NDArray[Any], names: list[str], make: Callable[[Path], NDArray[Any]]) -> Method:
    def answer(path: Path) -> list[tuple[float, str]]:
        bits = make(path)
        apart = np.min([(table != one).sum(axis=1) for one in bits], axis=0)
        return best(-apart.astype(np.float64), names)

    return answer


def best(scores: NDArray[Any], names: list[str]) -> list[tuple[float, str]]:
    return [(float(scores[at]), names[at]) for at in np.argsort(-scores, kind="stable")[:TOP]]


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def pixels_of(path: Path, side: int) -> Pixels:
    image = opened(path)
    image.thumbnail((side, side))
    return np.asarray(image)


# Calibration


def logging_pairs() -> list[tuple[str, list[float]]]:
    """Filled with (size of there as a name, numbers) of each pair that is examined from now on."""
    pairs: list[tuple[str, list[float]]] = []
    original = copy_query._Query.look
    current: list[str] = []

    def watched(here: Seen, there: Seen) -> Evidence | None:
        found = examine(here, there)
        if found is not None:
            pairs.append((current[-1] if current else "", list(map(float, found.numbers))))
        return found

    def look(self: Any, rows: list[int], doubts: int = copy_query.DOUBTS) -> None:
        for row in rows:
            picture = self._finder.library.pictures([self._finder.whole.pictures[row]])
            current[:] = [picture[0].path.name if picture else ""]
            original(self, [row], doubts)

    copy_query.examine = watched  # type: ignore[attr-defined]
    copy_query._Query.look = look  # type: ignore[method-assign]
    return pairs


def fit(log: Path) -> None:
    """Logistic regression with a little ridge, by Newton's method."""
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    x = np.asarray([[*line["numbers"], 1.0] for line in lines])
    y = np.asarray([line["right"] for line in lines], np.float64)
    weights = np.zeros(x.shape[1])
    ridge = np.diag([*[0.05] * (x.shape[1] - 1), 0.0])
    for _ in range(60):
        odds = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (odds - y) + ridge @ weights
        bend = (x * (odds * (1 - odds))[:, None]).T @ x + ridge + 1e-6 * np.eye(len(weights))
        weights -= np.linalg.solve(bend, slope)
    odds = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
    print(f"{len(lines)} pairs, {int(y.sum())} of copies")
    print(
        "WEIGHTS =",
        tuple(round(float(weight), 2) for weight in weights[:-1]),
        "BIAS =",
        round(float(weights[-1]), 2),
    )
    for low, high in ((0, 0.02), (0.02, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 0.98), (0.98, 1.01)):
        inside = (odds >= low) & (odds < high)
        if inside.any():
            print(f"said {odds[inside].mean():.3f}: {y[inside].mean():.3f} of {inside.sum()}")


if __name__ == "__main__":
    main()
