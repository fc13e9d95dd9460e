"""The statistics of a comparison, judged by exact arithmetic and by counting false alarms."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinoscope.operations.paired import Interval, Paired, sign_test


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_is_the_coin_s_own_probability(wins: int, losses: int) -> None:
    tosses = wins + losses
    as_uneven = [k for k in range(tosses + 1) if abs(2 * k - tosses) >= abs(wins - losses)]
    exact = Fraction(sum(comb(tosses, k) for k in as_uneven), 2**tosses)
    assert sign_test(wins, losses) == pytest.approx(float(exact), rel=1e-9)


def test_a_thousand_wins_do_not_overflow() -> None:
    assert sign_test(10_000, 0) == 0.0
    assert 0 < sign_test(5100, 4900) < 0.06


def test_the_interval_holds_the_true_mean_as_often_as_it_says() -> None:
    dice = np.random.default_rng(0)
    inside = 0
    for seed in range(200):
        interval = Interval.of(dice.exponential(1.0, 80), seed)
        assert interval.low < interval.value < interval.high
        inside += interval.low <= 1.0 <= interval.high
    assert 0.87 <= inside / 200 <= 0.99  # 95 % promised; a bootstrap of a skewed mean gives a little less


def test_a_real_lead_is_seen_and_noise_is_called_noise() -> None:
    dice = np.random.default_rng(1)
    hard = dice.random(300)  # questions differ far more than models do: pairing takes that out
    ahead = Paired.of("score", hard, hard + dice.normal(0.02, 0.05, 300))
    assert ahead.better == "second"
    assert ahead.p < 1e-4
    assert Paired.of("score", hard + dice.normal(0.02, 0.05, 300), hard).better == "first"
    coins = dice.integers(0, 2, (100, 2, 200)).astype(np.float64)
    alarms = sum(Paired.of("score", pair[0], pair[1], seed).better != "" for seed, pair in enumerate(coins))
    assert alarms <= 9  # 5 expected at most


def test_equal_answers_are_no_lead() -> None:
    same = Paired.of("score", np.ones(5), np.ones(5))
    assert (same.better, same.p, same.difference.low, same.difference.high) == ("", 1.0, 0.0, 0.0)
