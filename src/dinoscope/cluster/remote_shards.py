"""Shards behind Ray Serve's handles: asked all at once, again where a replica died, and given up in time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from dinoscope.cluster.asking import Questions

PATIENCE = 10.0  # seconds a shard has to answer: the first question to it may have to open it
DOUBT = 1.0  # seconds it has after it did not: nobody waits long for what is known to be down
AGAIN = 0.2  # seconds until a question is asked again that a dying replica took with it


class RemoteShards:
    """Handles of the deployments by the shards they serve. Safe from several threads."""

    def __init__(self, owners: Mapping[int, Any], applications: Sequence[str]) -> None:
        self._owners = owners
        self._applications = applications
        self._doubted: set[int] = set()
        self._guard = Lock()

    @property
    def count(self) -> int:
        return len(self._owners)

    def ask(self, verb: str, questions: Questions) -> Mapping[int, Any]:
        """As ``asking.Shards``: one call for each deployment, whichever of its shards are asked."""
        with self._guard:
            doubted = self._doubted & questions.keys()
        started = time.monotonic()
        calls = [(own, self._begin(verb, own)) for own in self._by_owner(questions)]
        answers: dict[int, Any] = {}
        for own, response in calls:
            until = started + (DOUBT if doubted & own.keys() else PATIENCE)
            found = self._taken(response, until)
            while isinstance(found, _Lost) and time.monotonic() + AGAIN < until:
                time.sleep(AGAIN)  # Ray Serve learns of the death meanwhile, and asks another replica
                found = self._taken(self._begin(verb, own), until)
            if not isinstance(found, (_Lost, _Late)):
                answers |= found
        with self._guard:
            self._doubted -= answers.keys()
            self._doubted |= questions.keys() - answers.keys()
        return answers

    def close(self) -> None:
        """Take the deployments down."""
        from ray import serve

        for name in self._applications:
            serve.delete(name, _blocking=False)

    def _by_owner(self, questions: Questions) -> list[dict[int, Sequence[Any]]]:
        found: dict[int, dict[int, Sequence[Any]]] = {}
        for shard, given in questions.items():
            found.setdefault(id(self._owners[shard]), {})[shard] = given
        return list(found.values())

    def _begin(self, verb: str, questions: Questions) -> Any:
        return self._owners[next(iter(questions))].answer.remote(verb, dict(questions))

    def _taken(self, response: Any, until: float) -> Any:
        try:
            return response.result(timeout_s=max(0.0, until - time.monotonic()))
        except TimeoutError:
            response.cancel()
            return _Late()
        except Exception as error:
            if _died(error):
                return _Lost()
            raise


class _Lost:
    """The replica that had the question is gone."""


class _Late:
    """No answer in time."""


def _died(error: Exception) -> bool:
    from ray.exceptions import RayActorError, RayTaskError, WorkerCrashedError
    from ray.serve.exceptions import RayServeException

    if isinstance(error, RayTaskError):  # a fault in a replica that lives
        return False
    return isinstance(error, (RayActorError, WorkerCrashedError, RayServeException))
