"""A Ray that is started here: in a process of its own, for Ray reads its environment when it is imported."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dinoscope.cluster import starting
from dinoscope.errors import NoClusterThere

SCRIPT = """
import json, os, stat, sys
from pathlib import Path

import psutil
from tests.hues import Hues

from dinoscope.cluster.manifest import claimed, demand_shard
from dinoscope.cluster.serving import served
from dinoscope.library.library import Library
from dinoscope.settings import Settings

root = Path(sys.argv[1])
key = Hues.identity.key
manifest = claimed(root, shards=1, model=key, name="hues", dimension=Hues.dimension)
Library.open(demand_shard(root, manifest, 0), write=True).close()
with served(Settings(library=root), load=Hues):
    import ray

    private = Path(ray._private.worker._global_node.get_session_dir_path()).parents[1]
    me = psutil.Process()
    members = [me, *me.children(recursive=True)]
    told = {
        "names": [" ".join(one.cmdline()) for one in members],
        "usage": os.environ["RAY_USAGE_STATS_ENABLED"],
        "listening": sorted(
            {
                port.laddr.ip.removeprefix("::ffff:")
                for one in members
                for port in one.net_connections("inet")
                if port.status == psutil.CONN_LISTEN
            }
        ),
        "folder": str(private),
        "mode": stat.S_IMODE(private.stat().st_mode),
    }
print(json.dumps(told))
"""


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (None, "Ray cannot be started on this machine \\(it timed out\\): try again"),
        ("ray:6379", "the Ray cluster at ray:6379 cannot be joined \\(it timed out\\): start one"),
    ],
)
def test_a_ray_that_does_not_start_is_one_sentence(
    address: str | None, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def init(**_: object) -> None:
        raise Exception("it timed out.\nAnd more.")

    ray = ModuleType("ray")
    vars(ray).update(is_initialized=lambda: False, init=init)
    monkeypatch.setitem(sys.modules, "ray", ray)
    for name in (*starting.QUIET, *starting.OURS, "RAY_ADDRESS", "RAY_AUTH_MODE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(starting, "_knock", lambda _: None)
    with pytest.raises(NoClusterThere, match=told), starting.joined(address):
        pass


@pytest.mark.extra
def test_one_started_here_is_reached_from_this_machine_only_and_leaves_nothing(tmp_path: Path) -> None:
    told = started(tmp_path)
    assert any("ServeReplica:dinoscope" in name for name in told["names"])
    assert told["listening"] == ["127.0.0.1"]
    assert told["usage"] == "0"
    assert told["mode"] == 0o700
    assert not Path(told["folder"]).exists()
    token = tmp_path / ".ray" / "auth_token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert len(token.read_text()) == 64


def started(home: Path) -> dict[str, Any]:
    """What a process says of the Ray with a token that it started to serve an empty library."""
    calm = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    calm |= {"HOME": str(home), "RAY_AUTH_MODE": "token"}
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(home / "library")],
        capture_output=True,
        text=True,
        check=False,
        env=calm,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found
