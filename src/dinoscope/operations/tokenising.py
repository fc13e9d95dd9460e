"""Region tokens, made beside the encoder from what it says of each picture."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from dinoscope.features import Basis, Features, RegionTokens
from dinoscope.library.records import NewRegions
from dinoscope.operations.pooling import pool

AHEAD = 128  # pictures that may wait for their tokens: 50 MB of patches at D = 384


class Tokeniser:
    """Takes Features as they come, and gives region tokens as they are ready. A context manager.

    Pooling takes 1-2 ms a picture of a thread of its own, the encoder 60 ms or more of the caller's.
    """

    def __init__(self, basis: Callable[[], Basis], *, tiled: int = 0) -> None:
        """``basis`` is asked once, in that thread, when the first picture comes: it may take seconds.

        Args:
            tiled: as ``NewRegions`` has it.
        """
        self._tiled = tiled
        self._fitted = basis
        self._basis: Future[Basis] | None = None
        self._pending: dict[str, Future[RegionTokens]] = {}  # by content
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="dinoscope-pool")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __contains__(self, content: str) -> bool:
        """Is it under way?"""
        return content in self._pending

    def add(self, content: str, features: Features) -> None:
        """Make the tokens of one picture; waits while so many are under way that memory would grow."""
        if self._basis is None:
            self._basis = self._pool.submit(self._fitted)
        running = [future for future in self._pending.values() if not future.done()]
        if len(running) >= AHEAD:
            running[0].result()
        self._pending[content] = self._pool.submit(_tokens, self._basis, features)

    def take(self, *, wait: bool = False) -> NewRegions | None:
        """The tokens that are ready, with ``wait`` all of them; None when there are none."""
        ready = [content for content, future in self._pending.items() if wait or future.done()]
        if not ready or self._basis is None:
            return None
        tokens = {content: self._pending.pop(content).result() for content in ready}
        return NewRegions(self._basis.result(), tokens, self._tiled)


def _tokens(basis: Future[Basis], features: Features) -> RegionTokens:
    return pool(basis.result().reduced(features.patches), features.attention)
