"""The weighted vote is the reference's."""

from __future__ import annotations

import numpy as np
import pytest
from tests.training.dino_reference import drawn, stored

from dinoscope.errors import BadRequest
from dinoscope.training.neighbours import weighted_knn

CENTRES = drawn("knn.cent", (10, 32))
LABELS, ASKED = 7 * np.arange(600) % 10, 3 * np.arange(200) % 10
TRAIN = CENTRES[LABELS] + drawn("knn.tr", (600, 32), 2.2)
TEST = CENTRES[ASKED] + drawn("knn.te", (200, 32), 2.2)


@pytest.mark.parametrize("k", [1, 5, 10, 20, 100])
def test_accuracies_are_the_reference_s(k: int) -> None:
    guesses = weighted_knn(TRAIN, LABELS, TEST, k=k)
    wanted = stored()[f"knn/k{k}"]
    best = min(5, k)  # as the reference: one vote makes no five best
    found = guesses.accuracy(ASKED), guesses.accuracy(ASKED, best)
    np.testing.assert_allclose(np.multiply(found, 100), wanted, rtol=1e-12)


def test_votes_are_those_of_a_plain_loop() -> None:
    guesses = weighted_knn(TRAIN[:40], LABELS[:40], TEST[:5], k=7, temperature=0.1)
    for row, query in enumerate(TEST[:5]):
        cosines = TRAIN[:40] @ query / np.linalg.norm(TRAIN[:40], axis=1) / np.linalg.norm(query)
        votes = np.zeros(10)
        for one in np.argsort(-cosines)[:7]:
            votes[LABELS[one]] += np.exp(cosines[one] / 0.1)
        np.testing.assert_allclose(guesses.votes[row], votes, rtol=1e-4)


def test_fewer_pictures_than_neighbours_all_vote() -> None:
    assert (weighted_knn(TRAIN[:3], LABELS[:3], TEST, k=20).votes > 0).sum() == 3 * len(TEST)


@pytest.mark.parametrize(
    ("train", "labels", "k"), [(TRAIN[:0], LABELS[:0], 5), (TRAIN, LABELS[:-1], 5), (TRAIN, LABELS, 0)]
)
def test_what_cannot_vote_is_refused(train: np.ndarray, labels: np.ndarray, k: int) -> None:
    with pytest.raises(BadRequest, match="cannot vote"):
        weighted_knn(train, labels, TEST, k=k)
