"""What the gate makes of a person and of a cat, by every way a picture is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from dinoscope.errors import FaceRefused, FacesUnchecked
from dinoscope.features import Pixels
from dinoscope.geometry import Box
from dinoscope.pictures import faces
from dinoscope.pictures.decoding import decode
from dinoscope.pictures.gate import MODES, admitted_frame, covered, gate, hide, stricter, to_hide
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.reading import content_hash
from dinoscope.pictures.workers import DecodeWorkers
from dinoscope.sample import PICTURES
from dinoscope.settings import Settings

FACES = Path(__file__).parent.parent / "faces"
PERSON, CAT = (FACES / "astronaut.jpg").read_bytes(), (FACES / "chelsea.jpg").read_bytes()
FACE = Box(93, 52, 157, 129)  # of the person, found by eye: from the forehead to the chin
AROUND = (60, 10, 190, 180)  # the head


def limited(mode: str) -> Limits:
    return replace(Limits.of(Settings()), faces=mode)


def pixels_of(data: bytes) -> Pixels:
    return np.asarray(Image.open(BytesIO(data)).convert("RGB"))


def inside(pixels: Pixels, box: Box = FACE) -> Pixels:
    return pixels[int(box.top) : int(box.bottom), int(box.left) : int(box.right)]


def test_a_face_is_found_where_it_is() -> None:
    (face,) = gate(pixels_of(PERSON)).faces
    assert face.box.overlap(FACE) > 0.6
    assert face.score > 0.7


def test_a_cat_has_no_human_face() -> None:
    assert not gate(pixels_of(CAT)).face


def test_a_face_is_refused_and_a_cat_is_not() -> None:
    with pytest.raises(FaceRefused, match=r"holiday\.jpg looks like a human face") as refused:
        decode(PERSON, limited("block"), where="holiday.jpg")
    assert refused.value.status == 422
    assert decode(CAT, limited("block"), where="it").pixels.shape == (200, 300, 3)


@pytest.mark.parametrize("turn", [3, 6, 8])
def test_a_face_lies_as_the_camera_says(turn: int) -> None:
    """EXIF first: the sensor lay on its side, the person did not."""
    undone = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    exif = Image.Exif()
    exif[0x0112] = turn
    buffer = BytesIO()
    Image.open(BytesIO(PERSON)).transpose(undone[turn]).save(buffer, "JPEG", exif=exif)
    with pytest.raises(FaceRefused):
        decode(buffer.getvalue(), limited("block"), where="it")


def test_blur_hides_the_face_and_nothing_else() -> None:
    plain = decode(PERSON, limited("allow"), where="it")
    blurred = decode(PERSON, limited("blur"), where="it")
    assert not gate(blurred.pixels).face, "nobody finds it any more"
    assert np.abs(inside(plain.pixels).astype(int) - inside(blurred.pixels)).mean() > 8
    assert (plain.pixels[180:] == blurred.pixels[180:]).all(), "the spacesuit is as it was"
    assert blurred.seen is blurred.pixels
    assert not blurred.faces


def test_dropping_patches_hides_the_face_from_the_model_alone() -> None:
    plain = decode(PERSON, limited("allow"), where="it")
    dropped = decode(PERSON, limited("drop-patches"), where="it")
    assert not gate(dropped.pixels).face
    assert (dropped.seen == plain.pixels).all(), "people see it"
    (box,) = dropped.faces
    assert box.left < FACE.left < FACE.right < box.right
    assert box.top < FACE.top < FACE.bottom < box.bottom


def test_a_picture_that_is_all_face_leaves_nothing_to_hide() -> None:
    near = Image.fromarray(inside(pixels_of(PERSON), Box(85, 40, 165, 138))).resize((360, 440))
    buffer = BytesIO()
    near.save(buffer, "PNG")
    with pytest.raises(FaceRefused, match="little more than"):
        decode(buffer.getvalue(), limited("blur"), where="it")


def test_who_passed_before_is_not_asked_again_but_still_hidden() -> None:
    assert decode(PERSON, limited("block"), where="it", trust="known").pixels.shape == (288, 288, 3)
    hidden = decode(PERSON, limited("blur"), where="it", trust="known")
    assert not gate(hidden.pixels).face
    own = decode(PERSON, limited("blur"), where="it", trust="own")
    assert gate(own.pixels).face, "what this program made is not looked at"


def test_a_mode_nobody_knows_keeps_faces_out() -> None:
    with pytest.raises(FaceRefused):
        decode(PERSON, limited("blok"), where="it")
    assert stricter("blok", "allow") == "block"
    assert [stricter(mode, "blur") for mode in MODES] == ["blur", "blur", "blur", "block"]


def test_a_detector_that_cannot_run_lets_nothing_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "CHECKSUM", "0" * 64)
    faces._session.cache_clear()
    try:
        for mode in ("block", "blur", "drop-patches"):
            with pytest.raises(FacesUnchecked, match="not those that belong"):
                decode(CAT, limited(mode), where="it")
        with pytest.raises(FacesUnchecked):
            faces.ready()
        assert decode(CAT, limited("allow"), where="it").pixels.any()
    finally:
        monkeypatch.undo()
        faces._session.cache_clear()


def test_the_decoding_processes_ask_the_same_gate(tmp_path: Path) -> None:
    path = tmp_path / "person.jpg"
    path.write_bytes(PERSON)
    with DecodeWorkers(1, limited("block")) as workers:
        for read in (
            lambda: workers.read(path, at_least=128, thumbnail=64),
            lambda: workers.read(path, known="0" * 40),
            lambda: workers.decode(PERSON, where="it"),
            lambda: workers.load(PERSON, where="it", thumbnail=64),
        ):
            with pytest.raises(FaceRefused, match="looks like a human face"):
                read()
        assert workers.read(path, known=content_hash(PERSON)).content == content_hash(PERSON)
        assert workers.decode(CAT, where="it").size.width == 300


def test_what_people_see_of_a_hidden_face(tmp_path: Path) -> None:
    """The thumbnail is made beside the decoder: blurred where all is, and plain where only patches go."""
    path = tmp_path / "person.jpg"
    path.write_bytes(PERSON)
    for mode, found in (("blur", False), ("drop-patches", True)):
        with DecodeWorkers(1, limited(mode)) as workers:
            loaded = workers.read(path, thumbnail=288)
        assert loaded.thumbnail is not None
        assert gate(pixels_of(loaded.thumbnail)).face is found
        assert bool(loaded.decoded.faces) is found
        assert not gate(loaded.decoded.pixels).face


def test_frames_of_a_video_pass_it() -> None:
    frame = pixels_of(PERSON)
    with pytest.raises(FaceRefused):
        admitted_frame(frame, "block", "a video")
    assert not gate(admitted_frame(frame, "blur", "a video")).face
    assert admitted_frame(frame, "allow", "a video") is frame
    assert (admitted_frame(pixels_of(CAT), "block", "a video") == pixels_of(CAT)).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (8, 8), (33, 31)])
def test_any_shape_can_be_looked_at(size: tuple[int, int]) -> None:
    pixels = np.asarray(Image.fromarray(pixels_of(PERSON)).resize(size))
    assert isinstance(gate(pixels).face, bool)


def test_hiding_stays_inside_its_boxes() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    box = Box(10, 5, 31, 25)
    hidden = hide(pixels, [box])
    changed = (hidden != pixels).any(axis=2)
    assert not changed[:5].any()
    assert not changed[25:].any()
    assert not changed[:, :10].any()
    assert not changed[:, 31:].any()
    assert changed[5:25, 10:31].mean() > 0.99
    assert covered([box, box], pixels) == pytest.approx(21 * 20 / 2400)


LANDSCAPES = sorted((PICTURES / "renewable").iterdir())[:2]


def scene(landscape: Path, heads: Sequence[tuple[int, int, int]], size: tuple[int, int]) -> Pixels:
    """A landscape with the person's head in it: (height of the face, left, top) of each."""
    with Image.open(landscape) as image:
        ground = ImageOps.fit(image.convert("RGB"), size)
    head = Image.open(BytesIO(PERSON)).convert("RGB").crop(AROUND)
    for high, left, top in heads:
        scale = high / (FACE.bottom - FACE.top)
        ground.paste(head.resize((round(head.width * scale), round(head.height * scale))), (left, top))
    return np.asarray(ground)


@pytest.mark.parametrize("landscape", LANDSCAPES, ids=lambda path: path.stem)
def test_one_small_face_in_a_large_picture_is_found(landscape: Path) -> None:
    assert not gate(scene(landscape, [], (1024, 768))).face
    for high in (24, 32, 48, 64):
        assert gate(scene(landscape, [(high, 700, 300)], (1024, 768))).face, high


def test_the_gate_sees_more_pixels_than_the_decoder_leaves() -> None:
    """The model wants few of a large picture: in those the face is 14 pixels high, and nobody's."""
    buffer = BytesIO()
    Image.fromarray(scene(LANDSCAPES[0], [(70, 1500, 900)], (2400, 1800))).save(buffer, "PNG")
    reduced = decode(buffer.getvalue(), limited("allow"), where="it", at_least=360)
    assert reduced.pixels.shape == (360, 480, 3)
    assert not gate(reduced.pixels).face
    with pytest.raises(FaceRefused):
        decode(buffer.getvalue(), limited("block"), where="it", at_least=360)
    hidden = decode(buffer.getvalue(), limited("blur"), where="it", at_least=360)
    changed = (hidden.pixels != reduced.pixels).any(axis=2)
    assert changed[188:202, 306:318].all(), "where it is, at the scale of these pixels"
    assert changed.mean() < 0.03, "and hardly anything else"


def test_of_a_crowd_every_face_is_hidden() -> None:
    heads = [(24, 80, 100), (32, 300, 420), (28, 520, 80), (48, 640, 500), (64, 850, 250), (24, 900, 650)]
    crowd = scene(LANDSCAPES[0], heads, (1024, 768))
    boxes = to_hide(crowd, "blur", "it")
    for high, left, top in heads:
        scale = high / (FACE.bottom - FACE.top)
        x = left + (FACE.centre[0] - AROUND[0]) * scale
        y = top + (FACE.centre[1] - AROUND[1]) * scale
        assert any(box.left < x < box.right and box.top < y < box.bottom for box in boxes), (high, left, top)
    buffer = BytesIO()
    Image.fromarray(crowd).save(buffer, "PNG")
    assert decode(buffer.getvalue(), limited("drop-patches"), where="it").faces == tuple(boxes)
    hidden = Image.fromarray(decode(buffer.getvalue(), limited("blur"), where="it").pixels)
    for side in (1, 2):  # and with more pixels
        assert not gate(np.asarray(hidden.resize((1024 * side, 768 * side)))).face
    for left, top in ((0, 0), (512, 0), (0, 384), (512, 384)):  # and from near
        quarter = hidden.crop((left, top, left + 512, top + 384)).resize((1024, 768))
        assert not gate(np.asarray(quarter)).face
