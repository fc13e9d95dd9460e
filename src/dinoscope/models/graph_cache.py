"""Built graphs on disk, so that a later start reads neither the weights nor the ``onnx`` package.

A graph lies in its own folder with the tensors that are used outside it. The folder appears whole or not
at all. A cache that cannot be written is no error: the graph is then built again at each start.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from dinoscope.models.config import VitConfig
from dinoscope.models.vit_backbone import Tables

GRAPH_FILE, TABLES_FILE = "graph.onnx", "tables.npz"


@dataclass(frozen=True, slots=True)
class GraphKey:
    """What a built graph depends on. Anything else may change and the graph stays good."""

    weights: str  # digest of the weights file
    kind: str  # "fp32", "int8" or "inside-portable"
    config: VitConfig
    built_by: str  # graph version and runtime version

    @property
    def stem(self) -> str:
        shape = blake2b(repr(self.config).encode(), digest_size=4).hexdigest()
        return f"{self.weights}-{shape}-{self.kind}"

    @property
    def folder(self) -> str:
        return f"{self.stem}-{self.built_by}"


def cached(graphs: Path, key: GraphKey) -> tuple[Path, Tables] | None:
    """The graph's file and its tables, or None when it has to be built."""
    folder = graphs / key.folder
    try:
        with (folder / TABLES_FILE).open("rb") as file, np.load(file, allow_pickle=False) as stored:
            tables = Tables.of({name: stored[name] for name in stored.files})
    except (OSError, ValueError, EOFError, KeyError, BadZipFile):
        return None
    return (folder / GRAPH_FILE, tables) if (folder / GRAPH_FILE).is_file() else None


def keep(graphs: Path, key: GraphKey, graph: bytes, tables: Tables) -> Path | None:
    """Store a built graph, drop those it supersedes, and return its file; None when that is impossible."""
    named = {
        "positions": tables.positions,
        "descriptor.mean": tables.mean,
        "descriptor.projection": tables.projection,
    }
    target = graphs / key.folder
    draft: Path | None = None
    try:
        graphs.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=graphs))
        with (draft / TABLES_FILE).open("wb") as file:
            np.savez(
                file,
                allow_pickle=False,
                **{name: table for name, table in named.items() if table is not None},
            )
            os.fsync(file.fileno())
        with (draft / GRAPH_FILE).open("wb") as file:
            file.write(graph)
            file.flush()
            os.fsync(file.fileno())
        forget(graphs, key)
        draft.replace(target)
    except OSError:
        # another process was first, the disk is full or the folder read-only: all leave a working program
        return target / GRAPH_FILE if (target / GRAPH_FILE).is_file() else None
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
    return target / GRAPH_FILE


def forget(graphs: Path, key: GraphKey) -> None:
    """Drop this graph and those other versions built of the same weights."""
    for folder in graphs.glob(f"{key.stem}-*"):
        shutil.rmtree(folder, ignore_errors=True)
