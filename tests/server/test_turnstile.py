"""What the server takes on at once, and what it says to the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from starlette.types import Message, Receive, Scope, Send

from dinoscope.errors import ServerBusy
from dinoscope.server import parts
from dinoscope.server.parts import in_thread
from dinoscope.server.turnstile import LEAST_ROOM, Turnstile


class Reading:
    """An application that takes a whole body, then waits to be let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.inside = 0
        self.most = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            while (await receive()).get("more_body"):
                pass
            await self.go.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"well"})
        finally:
            self.inside -= 1


class Asker:
    """One request: the body comes in the messages given, and then nothing more."""

    def __init__(self, *bodies: bytes, path: str = "/api/v1/search", ends: bool = True) -> None:
        bodies = bodies or (b"",)
        last = len(bodies) - 1
        self._coming: list[Message] = [
            {"type": "http.request", "body": body, "more_body": not (ends and at == last)}
            for at, body in enumerate(bodies)
        ]
        self.scope = {"type": "http", "path": path, "method": "POST", "headers": []}
        self.answers: list[Message] = []

    async def receive(self) -> Message:
        if self._coming:
            return self._coming.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: Message) -> None:
        self.answers.append(message)

    @property
    def status(self) -> int:
        return int(self.answers[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode().lower(): value.decode() for name, value in self.answers[0]["headers"]}


def run(body: Callable[[], Any]) -> None:
    asyncio.run(asyncio.wait_for(body(), 30))


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_beyond_so_many_requests_the_next_is_told_when_to_come_back() -> None:
    async def body() -> None:
        app = Reading()
        turnstile = Turnstile(app, 2**20, requests=3)
        first = [Asker() for _ in range(3)]
        tasks = [asyncio.create_task(turnstile(one.scope, one.receive, one.send)) for one in first]
        await settle()
        late = [Asker() for _ in range(500)]
        await asyncio.gather(*(turnstile(one.scope, one.receive, one.send) for one in late))
        assert {one.status for one in late} == {429}
        assert int(late[0].headers["retry-after"]) > 0
        assert app.most == 3
        app.go.set()
        await asyncio.gather(*tasks)
        assert [one.status for one in first] == [200] * 3
        again = Asker()
        await turnstile(again.scope, again.receive, again.send)
        assert again.status == 200, "and answers at once again"

    run(body)


def test_event_streams_have_a_room_of_their_own() -> None:
    async def body() -> None:
        app = Reading()
        turnstile = Turnstile(app, 2**20, requests=1, streams=2)
        listening = [Asker(path="/api/v1/jobs/j_1/events") for _ in range(3)]
        tasks = [asyncio.create_task(turnstile(one.scope, one.receive, one.send)) for one in listening]
        await settle()
        assert listening[2].status == 429
        asked = Asker()
        tasks.append(asyncio.create_task(turnstile(asked.scope, asked.receive, asked.send)))
        await settle()
        app.go.set()
        await asyncio.gather(*tasks)
        assert asked.status == 200

    run(body)


def test_what_many_send_together_is_bounded() -> None:
    async def body() -> None:
        app = Reading()
        turnstile = Turnstile(app, LEAST_ROOM)
        half = bytes(LEAST_ROOM // 2)
        first, second, third = Asker(half), Asker(half[:-1]), Asker(b"x", half)
        tasks = [asyncio.create_task(turnstile(one.scope, one.receive, one.send)) for one in (first, second)]
        await settle()
        await turnstile(third.scope, third.receive, third.send)
        assert third.status == 429
        assert "retry-after" in third.headers
        assert third.headers["connection"] == "close"
        app.go.set()
        await asyncio.gather(*tasks)
        assert (first.status, second.status) == (200, 200)
        fourth = Asker(half, half)
        await turnstile(fourth.scope, fourth.receive, fourth.send)
        assert fourth.status == 200, "the room is free again, also of what was refused"

    run(body)


@pytest.mark.parametrize("limits", [{"silence": 0.01}, {"patience": -10.0}])
def test_a_body_that_drips_is_refused(limits: dict[str, float]) -> None:
    async def body() -> None:
        turnstile = Turnstile(Reading(), 2**20, **limits)  # type: ignore[arg-type]
        slow = Asker(b"a bit", ends=False)
        await turnstile(slow.scope, slow.receive, slow.send)
        assert slow.status == 408
        assert slow.headers["connection"] == "close"

    run(body)


def test_who_has_sent_everything_may_wait_for_the_answer() -> None:
    async def body() -> None:
        async def waits(scope: Scope, receive: Receive, send: Send) -> None:
            await receive()
            with anyio.move_on_after(0.05) as waited:
                await receive()
            await send({"type": "http.response.start", "status": 200 if waited.cancelled_caught else 500})

        asked = Asker()
        await Turnstile(waits, 2**20, silence=0.001)(asked.scope, asked.receive, asked.send)
        assert asked.status == 200

    run(body)


def test_a_queue_for_one_kind_of_work_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MOST_WAITING", 2)

    async def body() -> None:
        limiter = anyio.CapacityLimiter(1)
        await limiter.acquire()
        waiting = [asyncio.create_task(in_thread(lambda: 1, limiter)) for _ in range(2)]
        await settle()
        with pytest.raises(ServerBusy):
            await in_thread(lambda: 1, limiter)
        limiter.release()
        assert await asyncio.gather(*waiting) == [1, 1]

    run(body)
