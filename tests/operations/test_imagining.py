"""A thing laid into scenes: what a library's tokens of it would be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.operations.test_remembering import Patterns, box, scene, thing

from dinoscope.errors import BadRequest
from dinoscope.features import normalise
from dinoscope.operations.imagining import imagined, merged
from dinoscope.operations.memories import Imagined, Remembered
from dinoscope.operations.recognising import LITTLE, beyond_ground
from dinoscope.operations.remembering import Objects
from dinoscope.operations.session import Session
from dinoscope.pictures.limits import Limits


@pytest.fixture
def colours() -> Patterns:
    return Patterns("patterns")


@pytest.fixture
def objects(session: Session) -> Objects:
    session.objects.remember("keys", (scene(10, (30, 40), thing()), box(30, 40)))
    return session.objects


def test_tokens_of_a_small_appearance_are_met_by_scenes_with_it_and_not_by_others(
    objects: Objects, session: Session
) -> None:
    views, looker = objects.get("keys").shown, objects.looker
    scenes = imagined(looker, views, Limits.of(session.settings))
    tokens, weights = scenes.tokens, scenes.weights
    assert len(tokens) == len(weights) <= 32
    assert np.linalg.norm(tokens, axis=1) == pytest.approx(1, abs=1e-4)
    assert weights.sum() == pytest.approx(1, abs=1e-4)

    def alike(place: tuple[int, int] | None, what: int) -> float:
        seen = looker.seen(scene(50, place, thing(what), (400, 320))).reduced
        return float(weights @ (tokens @ seen.reshape(-1, seen.shape[-1]).T).max(axis=1))

    assert alike((220, 150), 1) > max(alike(None, 1), alike((220, 150), 7)) + 0.02


def test_scenes_are_kept_with_the_thing_until_other_views_are_laid(
    objects: Objects, session: Session
) -> None:
    kept = objects.get("keys")
    again = imagined(objects.looker, kept.laid, Limits.of(session.settings))
    assert kept.imagined is not None
    np.testing.assert_allclose(kept.imagined.tokens, again.tokens, atol=1e-3)
    objects.remember("keys", (scene(11, (60, 50), thing()), box(60, 50)), also=True)
    taught = objects.get("keys")
    assert taught.imagined is not None
    assert taught.imagined.tokens.shape != again.tokens.shape or not np.allclose(
        taught.imagined.tokens, again.tokens, atol=1e-2
    )
    objects.drop("keys", 1)
    assert objects.get("keys").imagined is None
    assert kept.of_views((*kept.views, replace(kept.views[0], kind="no"))).imagined is kept.imagined


def test_a_file_of_before_scenes_is_read_and_one_with_wrong_scenes_is_not(objects: Objects) -> None:
    kept = objects.get("keys")
    assert Remembered.read(replace(kept, imagined=None).written(), "a file").imagined is None
    wrong = Imagined(np.zeros((3, 2), np.float32), np.ones(3, np.float32))
    with pytest.raises(BadRequest, match="damaged"):
        Remembered.read(replace(kept, imagined=wrong).written(), "a file")


def test_a_mean_token_has_the_say_of_all_it_stands_for() -> None:
    tokens = normalise(np.array([[1, 0.1], [1, -0.1], [0, 1]], np.float32))
    found, weights = merged(tokens, np.array([0.2, 0.2, 0.6], np.float32), tokens, 2)
    order = np.argsort(weights)
    np.testing.assert_allclose(weights[order], [0.4, 0.6], atol=1e-5)
    np.testing.assert_allclose(found[order], [[1, 0], [0, 1]], atol=1e-5)


def test_taught_ground_alone_is_not_ahead_of_itself(objects: Objects) -> None:
    (view,) = objects.get("keys").shown
    assert beyond_ground(view, view.patches[view.poses == 0]) > 0.1
    assert beyond_ground(view, view.around) < 0


def test_a_photo_without_ground_speaks_neither_way(objects: Objects) -> None:
    (view,) = objects.get("keys").shown
    assert beyond_ground(replace(view, around=view.around[:0]), view.patches) == LITTLE
