"""Two models' vectors of one library side by side: who lies near whom. Nothing is encoded or written."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from dinoscope.errors import BadRequest, NoSuchModel, NoSuchPicture
from dinoscope.features import FloatArray
from dinoscope.library.library import Library
from dinoscope.library.records import ModelShelf, Picture
from dinoscope.library.shelves import Shelf
from dinoscope.operations.comparison import Comparison, Example, Neighbour, Questions, Side
from dinoscope.operations.paired import Interval, Paired

NEAREST = 10  # neighbours a model is asked for

Near = dict[str, list[tuple[str, float]]]  # content -> its nearest contents and their cosines, best first


def compare_shelves(
    library: Library,
    first: str,
    second: str,
    questions: Questions = Questions(),  # noqa: B008  frozen
) -> Comparison:
    """Compare what two models say of pictures they have both seen; 0.1-1 s.

    Args:
        first, second: keys of model identities with vectors in the library.
        questions: how many queries are drawn at random (all, where there are fewer), and how many of
            them are returned with their neighbours.

    Raises:
        NoSuchModel: the library has no vectors of one of them.
        BadRequest: both are the same.
    """
    sides = sides_of(library, first, second)
    shelves = library.shelf(first), library.shelf(second)
    asked = _drawn(shelves, questions)
    near = _near(shelves[0], asked), _near(shelves[1], asked)
    shared = np.array([_shared(near[0][content], near[1][content]) for content in asked], np.float64)
    return Comparison(
        first=sides[0],
        second=sides[1],
        pictures=library.info().contents,
        queries=len(asked),
        nearest=NEAREST,
        agreement=Interval.of(shared, questions.seed) if asked else None,
        scores=_folder_scores(library, asked, near),
        edits=(),
        examples=_examples(library, asked[: questions.examples], near),
    )


def neighbours_of(library: Library, picture: Picture, first: str, second: str) -> Example:
    """What either model finds near one picture.

    Raises:
        NoSuchModel: the library has no vectors of one of them.
        NoSuchPicture: one of them has not seen the picture.
    """
    near = tuple(_near(library.shelf(key), [picture.content]) for key in (first, second))
    for key, found in zip((first, second), near, strict=True):
        if not found:
            raise NoSuchPicture(f"{key} has not seen {picture.path.name}: index its folder with that model")
    return _example(library, picture, near[0][picture.content], near[1][picture.content])


def sides_of(library: Library, first: str, second: str) -> tuple[Side, Side]:
    """The two models as the library knows them."""
    if first == second:
        raise BadRequest(f"{first} cannot be compared with itself: name two models")
    shelves = {shelf.key: shelf for shelf in library.info().shelves}
    for key in (first, second):
        if key not in shelves:
            raise NoSuchModel(f"the library has no vectors of {key}: index its folders with that model")
    return _side(shelves[first]), _side(shelves[second])


def _side(shelf: ModelShelf) -> Side:
    return Side(shelf.key, shelf.name, shelf.dimension, shelf.vectors, shelf.bytes)


def _drawn(shelves: tuple[Shelf, Shelf], questions: Questions) -> list[str]:
    """Contents that both have seen, at random and each once."""
    vectors = shelves[0].sample(questions.queries, questions.seed)
    if not len(vectors):
        return []
    order = np.random.default_rng(questions.seed).permutation(len(vectors))
    found = [line[0][0] for line in shelves[0].search(vectors[order], 1) if line]
    return list(_vectors(shelves[1], list(dict.fromkeys(found))))


def _vectors(shelf: Shelf, contents: Sequence[str]) -> dict[str, FloatArray]:
    """(D,) vectors of those the shelf knows."""
    found = {}
    for content in contents:
        with suppress(NoSuchPicture):
            found[content] = shelf.vector(content)
    return found


def _near(shelf: Shelf, contents: Sequence[str]) -> Near:
    """The nearest of each that the shelf knows, itself left out."""
    vectors = _vectors(shelf, contents)
    if not vectors:
        return {}
    answers = shelf.search(np.stack(list(vectors.values())), NEAREST + 1)
    return {
        content: [hit for hit in hits if hit[0] != content][:NEAREST]
        for content, hits in zip(vectors, answers, strict=True)
    }


def _shared(first: list[tuple[str, float]], second: list[tuple[str, float]]) -> float:
    """Share of the nearest that both name; 1 where neither has any, which is agreement."""
    most = max(len(first), len(second))
    both = {content for content, _ in first} & {content for content, _ in second}
    return len(both) / most if most else 1.0


def _folder_scores(library: Library, asked: list[str], near: tuple[Near, Near]) -> tuple[Paired, ...]:
    """Folders taken for labels, where they may be: at least two, with at least two pictures each."""
    sizes = {folder: size for folder, size in library.folders().items() if size > 1}
    if len(sizes) < 2:
        return ()
    everyone = {content for found in near for content in asked for content, _ in found[content]}
    folders = _folders(library, [*asked, *everyone])
    judged = [content for content in asked if folders.get(content, frozenset()) & sizes.keys()]
    if not judged:
        return ()
    right = [[_right(folders, content, found[content]) for content in judged] for found in near]
    nearest = [np.array([bool(marks) and marks[0] for marks in side], np.float64) for side in right]
    among = [np.array([np.mean(marks) if marks else 0.0 for marks in side], np.float64) for side in right]
    return (
        Paired.of("nearest in the same folder", nearest[0], nearest[1]),
        Paired.of(f"share of the {NEAREST} nearest in the same folder", among[0], among[1]),
    )


def _right(folders: dict[str, frozenset[Path]], content: str, near: list[tuple[str, float]]) -> list[bool]:
    return [bool(folders[content] & folders.get(other, frozenset())) for other, _ in near]


def _folders(library: Library, contents: Sequence[str]) -> dict[str, frozenset[Path]]:
    """The folders each content lies in; copies may make them several."""
    found = library.pictures_of(list(dict.fromkeys(contents)))
    return {content: frozenset(one.path.parent for one in pictures) for content, pictures in found.items()}


def _examples(library: Library, asked: Sequence[str], near: tuple[Near, Near]) -> tuple[Example, ...]:
    pictures = library.pictures_of(list(asked))
    return tuple(
        _example(library, pictures[content][0], near[0][content], near[1][content])
        for content in asked
        if pictures.get(content)
    )


def _example(
    library: Library, query: Picture, first: list[tuple[str, float]], second: list[tuple[str, float]]
) -> Example:
    pictures = library.pictures_of([content for content, _ in (*first, *second)])

    def told(mine: list[tuple[str, float]], others: list[tuple[str, float]]) -> tuple[Neighbour, ...]:
        shared = {content for content, _ in others}
        return tuple(
            Neighbour(pictures[content][0], score, content in shared)
            for content, score in mine
            if pictures.get(content)
        )

    return Example(query, told(first, second), told(second, first))
