"""The part of the memory benchmark that moves: things followed through composed videos.

A clip is a photo that pans, over which a cut-out goes along a line, turning and changing its size a little,
from one second and a half on and for three seconds; at times beside a lookalike that stays. Where it is in
each frame is known to the pixel. ``followed`` is the product; ``frame by frame`` asks each of the same frames
as a picture of its own, with the same views, so that what following adds and saves can be told.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from benchmarks._things import OPAQUE, Grounds, Scene, Thing, View, _seen, composed
from numpy.typing import NDArray
from PIL import Image

from dinoscope.features import Pixels
from dinoscope.geometry import Box
from dinoscope.operations.session import Session
from dinoscope.operations.whereabouts import Sighting

RATE, SECONDS = 8, 6.0
COMES, GOES = 1.5, 4.5  # seconds
SIZE = (512, 384)
PAN = 1.25  # of the ground's sides, in those of the frame
SHARES = (0.01, 0.15)  # of the frame that the thing covers
RIGHT = 0.5

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Clip:
    """A video, and where the thing is in each of its frames."""

    path: Path
    frames: list[Pixels]
    masks: list[Bools | None]

    def mask(self, second: float) -> Bools | None:
        return self.masks[min(round(second * RATE), len(self.masks) - 1)]


@dataclass
class Tally:
    """What came of a contestant's clips."""

    looks: int = 0  # at frames that show the thing
    right: int = 0
    boxes: list[float] = field(default_factory=list)
    masks: list[float] = field(default_factory=list)
    jumps: list[float] = field(default_factory=list)  # of the outline's area from one look to the next
    wrong: int = 0  # looks at frames without it, or at another place
    others: int = 0  # looks at frames without it
    clips: int = 0
    alarms: int = 0  # clips without it in which something was seen
    absent: int = 0
    seconds: float = 0.0  # CPU
    length: float = 0.0  # of video


def followed(
    session: Session,
    chosen: Sequence[Thing],
    grounds: Grounds,
    folder: Path,
    *,
    photos: int = 3,
    seed: int = 0,
) -> str:
    """The tables, a line for each contestant."""
    tallies = {name: Tally() for name in CONTESTANTS}
    for number, thing in enumerate(chosen):
        dice = random.Random(f"{seed} {thing.name}")
        taught = [
            composed(thing.path, [], grounds, View(dice.uniform(0.05, 0.3)), dice) for _ in range(photos)
        ]
        for other in session.objects.all():
            session.objects.forget(other.name)
        session.objects.remember(thing.name, *((scene.pixels, scene.box) for scene in taught))
        kin = [dice.choice(thing.kin)]
        clips = [
            clip(folder / f"{number}.mp4", thing.path, kin if dice.random() < 0.5 else [], grounds, dice),
            clip(folder / f"{number}-without.mp4", None, kin, grounds, dice),
        ]
        for one in clips:
            for name, contestant in CONTESTANTS.items():
                started = process_time()
                seen = contestant(session, thing.name, one)
                tallies[name].seconds += process_time() - started
                counted(tallies[name], one, seen)
        print(f"  {thing.name}: {tallies['followed'].right} of {tallies['followed'].looks} looks", flush=True)
    return "\n".join([HEAD, *(line(name, tally) for name, tally in tallies.items())])


def clip(
    path: Path, thing: Path | None, others: Sequence[Path], grounds: Grounds, dice: random.Random
) -> Clip:
    """Composed, and written as a video."""
    wide, high = SIZE
    ground = grounds.draw(dice).resize((round(PAN * wide), round(PAN * high)), Image.Resampling.BICUBIC)
    empty = Image.new("RGB", SIZE)
    view = View(dice.uniform(*SHARES))
    for other in others:
        laid = _seen(other, view, empty, dice)
        ground.paste(laid.convert("RGB"), (dice.randint(0, wide // 2), dice.randint(0, high // 2)), laid)
    mover = None if thing is None else _seen(thing, view, empty, dice)
    ends = [(dice.uniform(0.15, 0.85), dice.uniform(0.15, 0.85)) for _ in range(2)]
    turn, grow = dice.uniform(-15, 15), dice.uniform(0.8, 1.25)
    frames: list[Pixels] = []
    masks: list[Bools | None] = []
    for number in range(round(SECONDS * RATE)):
        second = number / RATE
        x, y = (round(second / SECONDS * (PAN - 1) * side) for side in SIZE)
        frame = ground.crop((x, y, x + wide, y + high))
        mask: Bools | None = None
        if mover is not None and COMES <= second < GOES:
            along = (second - COMES) / (GOES - COMES)
            place = tuple(start + along * (end - start) for start, end in zip(*ends, strict=True))
            mask = laid_on(frame, mover, (place[0], place[1]), turn * along, grow**along)
        frames.append(np.asarray(frame))
        masks.append(mask)
    written(path, frames)
    return Clip(path, frames, masks)


def laid_on(
    frame: Image.Image, mover: Image.Image, place: tuple[float, float], turn: float, scale: float
) -> Bools:
    """Lay it into the frame, its middle at a place in shares of the sides; what is seen of it."""
    size = max(4, round(mover.width * scale)), max(4, round(mover.height * scale))
    now = mover.resize(size, Image.Resampling.BICUBIC).rotate(turn, Image.Resampling.BICUBIC, expand=True)
    corner = round(place[0] * frame.width - now.width / 2), round(place[1] * frame.height - now.height / 2)
    frame.paste(now.convert("RGB"), corner, now.getchannel("A"))
    alpha = Image.new("L", frame.size)
    alpha.paste(now.getchannel("A"), corner)
    return np.asarray(alpha) >= OPAQUE


def written(path: Path, frames: Sequence[Pixels]) -> None:
    """As H.264, as a phone would."""
    import av

    with av.open(str(path), "w") as video:
        stream: Any = video.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "23"}
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            video.mux(stream.encode(frame))
        video.mux(stream.encode(None))


Seen = dict[float, list[Sighting]]  # second -> what was seen there


def by_following(session: Session, name: str, one: Clip) -> Seen:
    """As ``dinoscope where NAME clip.mp4`` does it; times between looks have what the look before had."""
    *_, last = session.objects.in_videos.where(name, one.path)
    seen: Seen = {}
    for second in looks():
        moments = [
            moment for track in last.tracks for moment in track.moments if abs(moment.second - second) <= 0.26
        ]
        if moments:
            best = min(moments, key=lambda moment: abs(moment.second - second))
            seen[best.second] = [best.sighting]
        else:
            seen[second] = []
    return seen


def by_frames(session: Session, name: str, one: Clip) -> Seen:
    """Each frame as a picture."""
    return {
        second: list(session.objects.where(name, one.frames[round(second * RATE)])[:1]) for second in looks()
    }


def looks() -> list[float]:
    """The seconds a contestant is asked about: two a second."""
    return [number / 2 for number in range(int(2 * SECONDS))]


CONTESTANTS: dict[str, Callable[[Session, str, Clip], Seen]] = {
    "followed": by_following,
    "frame by frame": by_frames,
}


def counted(tally: Tally, one: Clip, seen: Seen) -> None:
    """Compare what was seen with what is there."""
    before: float | None = None
    without = all(mask is None for mask in one.masks)
    tally.absent += without
    tally.alarms += without and any(seen.values())
    tally.clips += 1
    tally.length += SECONDS
    for second, sightings in sorted(seen.items()):
        true, best = one.mask(second), sightings[0] if sightings else None
        if true is None:
            tally.others += 1
            tally.wrong += best is not None
            before = None
            continue
        tally.looks += 1
        box = Scene(np.empty(0, np.uint8), true).box
        if best is None or box is None or overlap(best.box, box) < RIGHT:
            tally.wrong += best is not None
            before = None
            continue
        found = best.mask_in_picture().pixels
        tally.right += 1
        tally.boxes.append(overlap(best.box, box))
        tally.masks.append(float((found & true).sum() / (found | true).sum()))
        area = float(found.sum() / true.sum())
        if before is not None:
            tally.jumps.append(abs(np.log(area / before)))
        before = area


def overlap(one: Box, other: Box) -> float:
    return one.overlap(other)


HEAD = "                 looks  right  wrong    box   mask  jumps  alarms   CPU ms a video second"


def line(name: str, tally: Tally) -> str:
    """One contestant's."""
    return (
        f"{name:15} {tally.looks:6} {tally.right / max(tally.looks, 1):6.3f} "
        f"{tally.wrong / max(tally.looks + tally.others, 1):6.3f} "
        f"{mean(tally.boxes):6.3f} {mean(tally.masks):6.3f} {mean(tally.jumps):6.3f} "
        f" {tally.alarms} of {tally.absent:<3} "
        f"{1000 * tally.seconds / tally.length:10.0f}"
    )


def mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0
