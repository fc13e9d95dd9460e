"""From a photo and what is marked on it to a view that is remembered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, cos, radians, sin

import numpy as np
from PIL import Image

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray, Pixels
from dinoscope.geometry import Bools, Box, Mask, PatchGrid, Size
from dinoscope.operations.figures import figure, grown, proposed
from dinoscope.operations.memories import Kind, Memory
from dinoscope.operations.outlining import enlarged, outlined
from dinoscope.operations.posing import MIRRORED, squared
from dinoscope.operations.queries import on_original
from dinoscope.operations.recognising import Cohort, null_of, shrunk
from dinoscope.operations.region_query import Seen, foregrounds, region_query
from dinoscope.operations.selection import Selection
from dinoscope.operations.whereabouts import Looker, cut_out, window_for

TURNS = (-20.0, 20.0)  # degrees: a model knows a thing less well when it is turned
EMPTY = 10.0  # levels of 255 within which a marked place is nothing
HALF = 0.5  # of a patch, beside the one covered most, from which it is the thing's
LEANS = (0.0, 0.7, 1.4, 2.1, 3.0)  # log odds tried in turn until the outline reaches to what was marked
FILLED = 0.75  # overlap of its box with that: who draws a box draws it around the thing
AROUND = 64  # patches kept of what is around a thing


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A photo somebody teaches from."""

    source: str  # its name, for people
    content: str  # hash of its file; "" where there is none
    pixels: Pixels  # at any scale
    size: Size  # of the original
    shown: Mask | None = None  # what of it is not transparent, at any scale; None: all of it


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A thing in a photo, as it is understood from what is marked."""

    box: Box  # original pixels
    window: Box  # what ``mask`` covers, whole pixels
    mask: Bools  # (height, width) of the window, at any scale: the thing


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A photo with what is marked on it, before the thing's outline is known."""

    photo: Photo
    whole: Seen
    box: Box  # original pixels
    rough: bool  # what is marked is around the thing, and not its outline
    cut: Pixels  # the window around it
    pixels: Pixels  # the same, its longer side SIDE at most
    wanted: FloatArray  # (height, width) of ``pixels``, in [0, 1]: what is marked
    near: Seen

    @property
    def marked(self) -> FloatArray:
        """(rows, columns) of the near patches, in [0, 1]."""
        return self.near.grid.coverage(Mask(_at(self.wanted >= HALF, self.near.grid.picture)))


def memories_of(
    looker: Looker,
    photos: Sequence[tuple[Photo, Selection | None]],
    cohort: Cohort,
    *,
    kind: Kind = "taught",
) -> list[Memory]:
    """What is to be remembered of each photo; what is the same in all of them is the thing.

    Args:
        photos: with what is marked on each; None: what stands out of it and is in the others, too.

    Raises:
        BadRequest: nothing is there, nothing stands out, or a selection that makes no sense.
    """
    drafts = _drafts(looker, photos)
    found = []
    for draft, mask in zip(drafts, _outlines(drafts), strict=True):
        view = _memory(looker, draft, mask, kind)
        found.append(replace(view, null=null_of(view, cohort)))
    return found


def outlines_of(looker: Looker, photos: Sequence[tuple[Photo, Selection | None]]) -> list[Outline]:
    """What would be remembered of each photo, before it is. Arguments and errors as of ``memories_of``."""
    drafts = _drafts(looker, photos)
    return [
        Outline(draft.box, window_for(draft.box, draft.photo.size), mask)
        for draft, mask in zip(drafts, _outlines(drafts), strict=True)
    ]


def _drafts(looker: Looker, photos: Sequence[tuple[Photo, Selection | None]]) -> list[Draft]:
    wholes = [seen_whole(looker, photo) for photo, _ in photos]
    drafts = []
    for number, (photo, selection) in enumerate(photos):
        others = [whole for place, whole in enumerate(wholes) if place != number]
        drafts.append(_draft(looker, photo, selection, wholes[number], others))
    return drafts


def _outlines(drafts: Sequence[Draft]) -> Iterator[Bools]:
    for draft in drafts:
        parts = [other.near.reduced[other.marked >= HALF] for other in drafts if other is not draft]
        yield _outline(draft, [one for one in parts if len(one)])


def _draft(
    looker: Looker, photo: Photo, selection: Selection | None, whole: Seen, others: Sequence[Seen]
) -> Draft:
    box, chosen = _extent(photo, selection, whole, others)
    window = window_for(box, photo.size)
    cut = cut_out(photo.pixels, window, photo.size)
    pixels = shrunk(cut)
    wanted = marked(chosen, window, photo.size, pixels.shape[:2])
    _demand_something(pixels, wanted, box, photo)
    rough = bool(chosen.boxes or chosen.points)
    return Draft(photo, whole, box, rough, cut, pixels, wanted, looker.seen(cut))


def _outline(draft: Draft, others: Sequence[FloatArray]) -> Bools:
    """(height, width) the thing: as it was drawn, or found in what is marked."""
    if not draft.rough:
        return draft.wanted >= HALF
    thought = enlarged(figure(draft.near, draft.marked, others), *draft.pixels.shape[:2])
    around, found = Mask(draft.wanted >= HALF).box, draft.wanted >= HALF
    for lean in LEANS:
        found = outlined(draft.pixels, thought, draft.wanted, lean=lean)
        if Mask(found).box.overlap(around) >= FILLED:
            break
    return found


def seen_whole(looker: Looker, photo: Photo) -> Seen:
    """The whole photo, as its tokens in a library would have it."""
    return Seen.of(on_original(looker.backbone.encode([photo.pixels])[0], photo.size), looker.basis)


def marked(selection: Selection, window: Box, picture: Size, shape: tuple[int, ...]) -> FloatArray:
    """(height, width) in [0, 1]: what is marked, in the pixels of a window.

    Raises:
        BadRequest: see ``Selection.on``.
    """
    size = Size(int(window.right - window.left), int(window.bottom - window.top))
    wanted, unwanted = selection.within(window, picture).on(PatchGrid(shape[0], shape[1], 1, size))
    return np.asarray(wanted * (1 - unwanted), np.float32)


def _extent(
    photo: Photo, selection: Selection | None, whole: Seen, others: Sequence[Seen]
) -> tuple[Box, Selection]:
    """The box around the thing, and what is marked as it is to be drawn."""
    if selection is None and photo.shown is not None:  # a cut-out says itself what is meant
        shown = Mask(_at(photo.shown.pixels, photo.size))
        return shown.box, Selection(masks=(shown,))
    if selection is None:
        box = proposed(whole, others)
        return box, Selection(boxes=(box,))
    wanted, unwanted = selection.on(whole.grid)
    if selection.points and not (selection.boxes or selection.polygons or selection.masks):
        patches = (grown(whole, wanted >= 1) * (1 - unwanted)) >= 0.5
        box = whole.grid.box_around(patches if patches.any() else wanted >= 1)
        return box, Selection(boxes=(box,), not_points=selection.not_points)
    exact = [mask.box for mask in selection.masks]
    exact += [_around(corners, photo.size) for corners in selection.polygons]
    picture = Box(0, 0, photo.size.width, photo.size.height)
    exact += [inside for box in selection.boxes if (inside := box.common(picture)) is not None]
    box = Box(
        min(one.left for one in exact),
        min(one.top for one in exact),
        max(one.right for one in exact),
        max(one.bottom for one in exact),
    )
    return box, selection


def _memory(looker: Looker, draft: Draft, mask: Bools, kind: Kind) -> Memory:
    """The view, of which it is not yet known what it scores where the thing is not.

    Args:
        mask: (height, width) of the draft's ``pixels``: the thing.
    """
    photo, near = draft.photo, draft.near
    poses = [_pose(near, mask)]
    poses += [_pose(looker.seen(cut), turned) for cut, turned in _poses(draft.cut, mask)]
    here = Mask(_at(mask, near.grid.picture))
    in_place = region_query(draft.whole, Selection(boxes=(draft.box,)))
    query = region_query(near, Selection(masks=(here,))).joined([in_place], [])
    around = near.reduced[poses[0].wanted == 0]
    return Memory(
        kind, photo.source, photo.content, photo.size, draft.box, draft.pixels, mask,
        np.concatenate([pose.seen.reduced[pose.say > 0] for pose in poses]),
        np.repeat(np.arange(len(poses), dtype=np.float32), [int((pose.say > 0).sum()) for pose in poses]),
        np.concatenate([pose.say[pose.say > 0] for pose in poses]),
        np.concatenate([_upright(pose, number) for number, pose in enumerate(poses)]),
        query.tokens, query.weights, around[:: max(1, ceil(len(around) / AROUND))],
        np.array([0, 1], np.float32),
    )  # fmt: skip


def _upright(pose: _Pose, number: int) -> FloatArray:
    """(n, 2) where the patches that have a say lie in the window as it is, made square, in [0, 1]."""
    places = squared(pose.seen.grid)[(pose.say > 0).reshape(-1)] - 0.5
    if number == MIRRORED:
        places[:, 0] *= -1
    elif number > MIRRORED:
        turn = radians(TURNS[number - MIRRORED - 1])
        places = places @ np.array([[cos(turn), sin(turn)], [-sin(turn), cos(turn)]])
    return np.asarray(places + 0.5, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Pose:
    seen: Seen
    wanted: FloatArray  # (rows, columns) how much of each patch is the thing
    say: FloatArray  # (rows, columns) what each counts, sum 1


def _pose(seen: Seen, mask: Bools) -> _Pose:
    wanted = seen.grid.coverage(Mask(_at(mask, seen.grid.picture)))
    wanted = wanted / max(float(wanted.max()), 1e-6)
    say = foregrounds(seen, wanted) * wanted * (wanted >= HALF)
    return _Pose(seen, wanted, np.asarray(say / say.sum(), np.float32))


def _poses(cut: Pixels, mask: Bools) -> Iterator[tuple[Pixels, Bools]]:
    """A window and the thing in it, mirrored, and turned either way."""
    yield np.ascontiguousarray(cut[:, ::-1]), mask[:, ::-1]
    ground = tuple(int(level) for level in cut.reshape(-1, 3).mean(axis=0))
    for turn in TURNS:
        turned = Image.fromarray(cut).rotate(turn, Image.Resampling.BICUBIC, fillcolor=ground)
        outline = Image.fromarray(mask.astype(np.uint8) * 255).rotate(turn, Image.Resampling.BILINEAR)
        inside = np.asarray(outline) >= 128
        if inside.any():
            yield np.asarray(turned), inside


def _demand_something(pixels: Pixels, wanted: FloatArray, box: Box, photo: Photo) -> None:
    """Raises: BadRequest: the marked place is of one colour, and so is what is around it."""
    inside, outside = pixels[wanted >= 0.5].astype(np.float32), pixels[wanted < 0.5].astype(np.float32)
    if not len(inside) or not len(outside):
        return
    spread = float(np.ptp(np.quantile(inside, [0.02, 0.98], axis=0), axis=0).max())
    apart = float(np.abs(inside.mean(axis=0) - outside.mean(axis=0)).max())
    if spread < EMPTY and apart < EMPTY:
        where = ",".join(f"{round(edge)}" for edge in (box.left, box.top, box.right, box.bottom))
        raise BadRequest(
            f"there is nothing at {where} of {photo.source}, it looks like what is around it: mark the thing"
        )


def _at(mask: Bools, size: Size) -> Bools:
    """A mask at another scale; what was marked stays marked, if only by a pixel."""
    rows = np.minimum(
        ((np.arange(size.height) + 0.5) * mask.shape[0] / size.height).astype(int), mask.shape[0] - 1
    )
    columns = np.minimum(
        ((np.arange(size.width) + 0.5) * mask.shape[1] / size.width).astype(int), mask.shape[1] - 1
    )
    found = np.array(mask[np.ix_(rows, columns)])
    if not found.any():
        row, column = np.argwhere(mask)[0]
        found[row * size.height // mask.shape[0], column * size.width // mask.shape[1]] = True
    return found


def _around(corners: Sequence[tuple[float, float]], picture: Size) -> Box:
    xs = [min(max(x, 0.0), float(picture.width)) for x, _ in corners]
    ys = [min(max(y, 0.0), float(picture.height)) for _, y in corners]
    return Box(min(xs), min(ys), max(*xs, min(xs) + 1), max(*ys, min(ys) + 1))
