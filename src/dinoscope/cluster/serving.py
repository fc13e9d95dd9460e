"""Shards served by Ray Serve: a deployment for each group of them, with replicas on different machines.

No port is opened for it: the page and the HTTP interface are the same server as ever, which asks the shards
through Ray and puts their answers together. What dies is started again by Ray Serve.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from dinoscope.cluster.answering import ShardAnswers
from dinoscope.cluster.asking import Asker, Questions
from dinoscope.cluster.manifest import Manifest, demand_shard
from dinoscope.cluster.remote_shards import RemoteShards
from dinoscope.cluster.sharded_library import ShardedLibrary
from dinoscope.cluster.starting import joined, quiet
from dinoscope.errors import BadRequest, DinoscopeError
from dinoscope.library.library import Library
from dinoscope.library.paths import absolute
from dinoscope.models.backbone import Backbone
from dinoscope.models.loading import load_backbone
from dinoscope.operations.session import Session
from dinoscope.settings import Settings

Load = Callable[[Settings], Backbone]
START = 180.0  # seconds until every shard should answer at first
AT_ONCE = 16  # questions a replica works on
SHARE = 0.1  # of a core that a replica is counted for: it waits for questions most of the time


@contextmanager
def served(
    settings: Settings,
    *,
    address: str | None = None,
    replicas: int = 1,
    groups: int | None = None,
    load: Load = load_backbone,
) -> Iterator[Session]:
    """A session over the library in shards at ``settings.library``, whose shards Ray Serve runs.

    The library must be seen by every machine under the same path.

    Args:
        load: gives the model that queries are encoded with.
        address: see ``starting.joined``.
        replicas: processes that serve the same shards, on different machines where there are enough.
        groups: deployments, each of which serves an equal share of the shards; None: one for each machine.
            A search costs the server some calls of each.

    Raises:
        NoLibrary, LibraryDamaged: as the library and its shards turn out.
        BadRequest: the settings' model is not the library's, or no such number of groups or replicas.
        ShardSilent: none of the shards answers.
        MissingExtra, NoClusterThere.
    """
    root = absolute(settings.library)
    manifest = Manifest.read(root)
    for number in range(manifest.shards):
        demand_shard(root, manifest, number)
    _demand_groups(manifest.shards, groups)
    if replicas < 1:
        raise BadRequest(f"{replicas} replicas cannot serve anything: choose 1 or more")
    backbone = load(settings)
    manifest.demand_model(backbone.identity.key, root)
    with joined(address):
        shards = _deployed(root, manifest, _parts(manifest.shards, groups or _machines()), replicas)
        try:
            library = ShardedLibrary(root, manifest, shards)
            session = Session(library, settings, backbone)
            _await(shards)
            yield session
        finally:
            shards.close()


class ShardGroup:
    """What a replica runs: some shards, opened for reading when they are first asked."""

    def __init__(self, root: Path, manifest: Manifest, numbers: Sequence[int]) -> None:
        _closed_port()
        self._numbers = tuple(numbers)
        self._open = lru_cache(maxsize=None)(
            lambda number: ShardAnswers(Library.open(demand_shard(root, manifest, number)))
        )

    async def answer(self, verb: str, questions: Questions) -> dict[int, Any]:
        """What each of the shards asked says, all at once, each in a thread."""
        threads = [asyncio.to_thread(self._answer, shard, verb, given) for shard, given in questions.items()]
        return dict(zip(questions, await asyncio.gather(*threads), strict=True))

    def _answer(self, shard: int, verb: str, arguments: Sequence[Any]) -> Any:
        try:
            return self._open(shard).answer(verb, arguments)
        except DinoscopeError as error:
            return error


def _closed_port() -> None:
    """A replica opens no port of its own.

    Ray Serve would open one to every network, ask for no token there, and unpickle whatever comes. It is for
    calls between deployments by gRPC; ours come through the actor. Called before it is opened.
    """
    import_module("grpc.aio._server").Server.add_insecure_port = lambda server, address: 0


def _demand_groups(shards: int, groups: int | None) -> None:
    if groups is not None and not 1 <= groups <= shards:
        raise BadRequest(f"{shards} shards cannot be served in {groups} groups: choose 1 to {shards}")


def _parts(shards: int, groups: int) -> list[range]:
    """Shards of each group, as equal as can be."""
    count = min(groups, shards)
    return [range(at * shards // count, (at + 1) * shards // count) for at in range(count)]


def _machines() -> int:
    import ray

    return sum(1 for node in ray.nodes() if node["Alive"])


def _deployed(root: Path, manifest: Manifest, parts: Sequence[range], replicas: int) -> RemoteShards:
    """Ask Ray Serve for the deployments. A server beside this one that has them already shares them."""
    from ray import serve

    quiet()
    serve.start(proxy_location="Disabled", logging_config={"log_level": "ERROR"})
    deployment = serve.deployment(
        ShardGroup,
        num_replicas=replicas,
        max_ongoing_requests=AT_ONCE,
        ray_actor_options={"num_cpus": SHARE},
        health_check_period_s=2,
        health_check_timeout_s=5,
        graceful_shutdown_timeout_s=2,
        logging_config={"log_level": "ERROR"},
    )
    targets = [
        serve.RunTarget(
            target=deployment.options(name=f"Shards{part.start}to{part.stop - 1}").bind(root, manifest, part),
            name=f"dinoscope-{manifest.id}-{part.start}",
            route_prefix=None,
        )
        for part in parts
    ]
    handles = serve.run_many(targets, wait_for_applications_running=False)
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    owners = {shard: handle for part, handle in zip(parts, handles, strict=True) for shard in part}
    return RemoteShards(owners, [target.name for target in targets])


def _await(shards: RemoteShards) -> None:
    """Until every shard has answered, or for so long that it is better to serve what there is.

    Raises: ShardSilent: there is nothing to serve; and what a shard refuses with.
    """
    until = time.monotonic() + START
    while True:
        asker = Asker(shards)
        answers = asker.each("models", dict.fromkeys(range(shards.count), ()))
        if len(answers) == shards.count or time.monotonic() > until:
            asker.all("models")
            return
        time.sleep(0.2)
