"""Deployments that die, are late or have a fault, without any cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from dinoscope.cluster import remote_shards
from dinoscope.cluster.remote_shards import RemoteShards

pytestmark = [
    pytest.mark.extra,
    *(
        pytest.mark.filterwarnings(f"ignore::{kind}") for kind in ("DeprecationWarning", "FutureWarning")
    ),  # Ray's
]
Reply = Callable[[], Any]


class Deployment:
    """A handle whose calls end as they are told to, the last way for ever."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[str, dict[int, Sequence[Any]]]] = []
        self.answer = self  # handle.answer.remote(…)

    def remote(self, verb: str, questions: dict[int, Sequence[Any]]) -> Response:
        self.asked.append((verb, questions))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return Response(reply, questions)


class Response:
    def __init__(self, reply: Reply, questions: dict[int, Sequence[Any]]) -> None:
        self._reply = reply
        self._questions = questions

    def result(self, timeout_s: float) -> dict[int, Any]:
        found = self._reply()
        if found is LATE:
            time.sleep(timeout_s)
            raise TimeoutError
        return dict.fromkeys(self._questions, found)

    def cancel(self) -> None:
        """Nobody waits any more."""


LATE = object()


def good() -> str:
    return "good"


def late() -> object:
    return LATE


def died() -> None:
    from ray.exceptions import ActorDiedError

    raise ActorDiedError


def ask(shards: RemoteShards) -> dict[int, Any]:
    return dict(shards.ask("count", dict.fromkeys(range(shards.count), (None,))))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray.serve.exceptions  # noqa: F401  seconds, which are no wait for a shard

    monkeypatch.setattr(remote_shards, "PATIENCE", 0.6)
    monkeypatch.setattr(remote_shards, "DOUBT", 0.2)
    monkeypatch.setattr(remote_shards, "AGAIN", 0.05)


def test_shards_of_one_deployment_are_asked_in_one_call() -> None:
    first, second = Deployment(good), Deployment(good)
    shards = RemoteShards({0: first, 1: first, 2: second}, [])
    assert ask(shards) == {0: "good", 1: "good", 2: "good"}
    assert first.asked == [("count", {0: (None,), 1: (None,)})]
    assert second.asked == [("count", {2: (None,)})]


def test_a_question_that_died_with_its_replica_is_asked_again() -> None:
    dying = Deployment(died, died, good)
    assert ask(RemoteShards({0: dying, 1: Deployment(good)}, [])) == {0: "good", 1: "good"}
    assert len(dying.asked) == 3


@pytest.mark.parametrize("never", [late, died])
def test_who_does_not_answer_in_time_is_left_out_and_waited_for_less_until_it_does(never: Reply) -> None:
    lame = Deployment(never)
    shards = RemoteShards({0: lame, 1: Deployment(good)}, [])
    for longest in (1.5, 0.45):  # PATIENCE, then DOUBT
        started = time.monotonic()
        assert ask(shards) == {1: "good"}
        assert time.monotonic() - started < longest
    lame.replies = [good]
    assert ask(shards) == {0: "good", 1: "good"}
    lame.replies = [never]
    started = time.monotonic()
    assert ask(shards) == {1: "good"}
    assert time.monotonic() - started > 0.45  # trusted again


def test_a_fault_is_no_silence() -> None:
    from ray.exceptions import RayTaskError

    def faulty() -> None:
        raise RayTaskError("answer", "traceback", ValueError("a bug"))

    with pytest.raises(RayTaskError):
        ask(RemoteShards({0: Deployment(faulty)}, []))
