"""A Ray that is started here: in a process of its own, for Ray reads its environment when it is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
import json, os, stat
import psutil
from dinoscope.cluster.starting import joined

with joined(None):
    import ray

    @ray.remote
    class Member:
        def usage(self):
            return os.environ["RAY_USAGE_STATS_ENABLED"]

    member = Member.remote()
    usage = ray.get(member.usage.remote())
    node = ray._private.worker._global_node
    private = os.path.dirname(os.path.dirname(node.get_session_dir_path()))
    me = psutil.Process()
    listening = sorted(
        {
            one.laddr.ip.removeprefix("::ffff:")
            for process in [me, *me.children(recursive=True)]
            for one in process.net_connections("inet")
            if one.status == psutil.CONN_LISTEN
        }
    )
    mode = stat.S_IMODE(os.stat(private).st_mode)
print(json.dumps({"usage": usage, "listening": listening, "folder": private, "mode": mode}))
"""


@pytest.mark.extra
def test_one_started_here_is_reached_from_this_machine_only_and_leaves_nothing() -> None:
    told = started()
    assert told["listening"] == ["127.0.0.1"]
    assert told["usage"] == "0"
    assert told["mode"] == 0o700
    assert not Path(told["folder"]).exists()


def started() -> dict[str, Any]:
    """What a process says of the Ray that it started."""
    calm = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, env=calm, timeout=120
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found
