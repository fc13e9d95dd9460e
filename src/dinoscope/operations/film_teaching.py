"""A thing taught from some seconds of video: marked on the first frame, and followed from there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dinoscope.errors import BadRequest, NotAPicture
from dinoscope.geometry import Bools, Box, Mask
from dinoscope.operations.outlining import enlarged, outlined
from dinoscope.operations.propagating import Labelled, handed_on, likeness
from dinoscope.operations.seeking import AT_LEAST, PHOTOS
from dinoscope.operations.selection import Part, Selection
from dinoscope.operations.teaching import Photo, outlines_of
from dinoscope.operations.whereabouts import Looker, Sighting, box_of, window_for
from dinoscope.pictures.moments import clock
from dinoscope.pictures.stills import Stretch
from dinoscope.pictures.workers import DecodeWorkers, Loaded

SECONDS = 3.0  # of a stretch whose end is not named
LONGEST = 60.0  # seconds; some are enough, and a thing does not stay in sight for longer
STEPS = 12  # frames it is followed through, at least as long as they are LEAST apart
LEAST, MOST = 0.1, 0.5  # seconds between two
SAME = 0.55  # likeness of the thing to what was marked, from which it is still followed
SAY = 1.5  # of what is handed on, beside colours, for the outline
ROOM = 1.7  # sides of the window, in those of the thing


@dataclass(frozen=True, slots=True, eq=False)
class _Shot:
    second: float
    photo: Photo
    labelled: Labelled
    window: Box
    mask: Bools  # of the window
    box: Box

    @property
    def marked(self) -> tuple[Photo, Mask]:
        whole = Sighting("", 1.0, self.box, self.photo.size, self.window, self.mask)
        return self.photo, whole.mask_in_picture()


def shots_of(
    looker: Looker,
    workers: DecodeWorkers,
    video: Path,
    part: Part | None,
    *,
    first: float,
    last: float,
) -> list[tuple[Photo, Mask]]:
    """One to five photos to teach a thing from, spread over a stretch of a video.

    Args:
        part: what is marked on the frame at ``first``, in its pixels; None proposes what stands out.
        first, last: seconds. Where the thing gets out of sight before, what there is of it is taken.

    Raises:
        BadRequest: no such stretch, or nothing is there; see ``teaching.memories_of``.
        Unreadable, NotAPicture, PictureTooLarge, MissingExtra, FaceRefused.
    """
    if not 0 <= first <= last <= first + LONGEST:
        raise BadRequest(
            f"a thing is taught from at most {LONGEST:g} s of video, not from {first:g} to {last:g} s: name "
            "the seconds that show it best"
        )
    stretch = Stretch(min(MOST, max(LEAST, (last - first) / STEPS)), first, last)
    shots: list[_Shot] = []
    steps = workers.watch(video, at_least=AT_LEAST, stretch=stretch)
    try:
        for photo, second in _photos(steps, video):
            if not shots:
                shots.append(_begun(looker, photo, second, part))
                continue
            after = _after(looker, photo, second, shots)
            if after is None:
                break
            shots.append(after)
    finally:
        steps.close()
    if not shots:
        raise NotAPicture(f"{video.name} has no frame from {clock(first)} on: it ends before")
    chosen = np.unique(np.linspace(0, len(shots) - 1, PHOTOS).round().astype(int))
    return [shots[number].marked for number in chosen]


def _photos(steps: Iterator[object], video: Path) -> Iterator[tuple[Photo, float]]:
    for step in steps:
        if isinstance(step, Loaded) and step.second is not None:
            name = f"{video.name} {clock(step.second)}"
            yield Photo(name, step.content, step.decoded.pixels, step.decoded.size), step.second


def _begun(looker: Looker, photo: Photo, second: float, part: Part | None) -> _Shot:
    """The first frame, as a photo would be understood."""
    selection = None if part is None else Selection.of(part)
    drawn = outlines_of(looker, [(photo, selection)])[0]
    near = looker.near(photo.pixels, drawn.window, photo.size)
    labelled = Labelled.of(near.seen, drawn.mask, anywhere=True)
    return _Shot(second, photo, labelled, drawn.window, drawn.mask, drawn.box)


def _after(looker: Looker, photo: Photo, second: float, shots: list[_Shot]) -> _Shot | None:
    """The next frame; None: what was marked is not there any more."""
    whole = Box(0, 0, photo.size.width, photo.size.height)
    before = [shots[0].labelled, shots[-1].labelled]
    box = _ahead(shots).common(whole) or shots[-1].box
    window = window_for(box, photo.size, ROOM)
    near = looker.near(photo.pixels, window, photo.size)
    share = handed_on(near.seen, before)
    if float(share.max()) < 0.5 or likeness(near.seen, share, before[0]) < SAME:
        return None
    thought = enlarged(share, *near.pixels.shape[:2])
    mask = outlined(near.pixels, np.asarray(0.04 + 0.92 * thought, np.float32), say=SAY)
    found = box_of(near, mask).common(whole) or box
    labelled = replace(Labelled.of(near.seen, mask), anywhere=False)
    return _Shot(second, photo, labelled, near.window, mask, found)


def _ahead(shots: list[_Shot]) -> Box:
    """Where it should be next if it goes on as it went."""
    box = shots[-1].box
    if len(shots) < 2:
        return box
    (x, y), (before_x, before_y) = box.centre, shots[-2].box.centre
    across, down = x - before_x, y - before_y
    return Box(box.left + across, box.top + down, box.right + across, box.bottom + down)
