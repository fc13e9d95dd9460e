"""Guessing the token."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from dinoscope.server.guessing import EVERY, GUESSES, REMEMBERED, Guesses

ABOUT = "/api/v1/about"
RIGHT = "a long secret"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_so_many_guesses_and_then_one_at_a_time() -> None:
    clock = Clock()
    guesses = Guesses(clock)
    for _ in range(GUESSES):
        assert guesses.wait("192.0.2.1") == 0
        guesses.wrong("192.0.2.1")
    assert guesses.wait("192.0.2.1") == EVERY
    assert guesses.wait("192.0.2.2") == 0, "others are not punished"
    clock.now += EVERY
    assert guesses.wait("192.0.2.1") == 0
    guesses.wrong("192.0.2.1")
    assert guesses.wait("192.0.2.1") > 0


@pytest.mark.parametrize("same", ["2001:db8::{}", "2001:db8::ffff:{}", "fe80::{}%eth0"])
def test_the_addresses_of_one_network_count_together(same: str) -> None:
    guesses = Guesses(Clock())
    for at in range(GUESSES):
        guesses.wrong(same.format(at))
    assert guesses.wait(same.format(99)) > 0


def test_an_army_takes_no_memory() -> None:
    guesses = Guesses(Clock())
    for at in range(3 * REMEMBERED):
        guesses.wrong(str(at))
    assert len(guesses._full) == REMEMBERED


@pytest.mark.parametrize("way", ["login", "bearer"])
def test_guessing_ends_in_waiting_even_for_the_right_one(guarded_client: TestClient, way: str) -> None:
    def guess(token: str) -> int:
        if way == "login":
            return guarded_client.post("/api/v1/login", json={"token": token}).status_code
        return guarded_client.get(ABOUT, headers={"Authorization": f"Bearer {token}"}).status_code

    assert [guess(f"guess number {at}") for at in range(GUESSES)] == [401] * GUESSES
    assert guess(RIGHT) == 429
    answer = guarded_client.post("/api/v1/login", json={"token": RIGHT})
    assert answer.status_code == 429, "neither door leads around the other"
    assert 0 < int(answer.headers["retry-after"]) <= EVERY


def test_a_browser_that_is_logged_in_is_not_locked_out(guarded_client: TestClient) -> None:
    guarded_client.post("/api/v1/login", json={"token": RIGHT})
    for at in range(GUESSES + 1):
        guarded_client.post("/api/v1/login", json={"token": f"guess number {at}"})
    assert guarded_client.get(ABOUT).status_code == 200


def test_right_tokens_are_never_too_many(guarded_client: TestClient) -> None:
    right = {"Authorization": f"Bearer {RIGHT}"}
    assert {guarded_client.get(ABOUT, headers=right).status_code for _ in range(3 * GUESSES)} == {200}
