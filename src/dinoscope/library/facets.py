"""What there is to filter by."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from dinoscope.library.files import sql_of
from dinoscope.library.filters import Filter
from dinoscope.library.paths import to_path
from dinoscope.library.records import Counted, Facets

MOST = 200  # values a facet: more would not be read


def facets(db: sqlite3.Connection, where: Filter | None) -> Facets:
    """Kinds, cameras, years and folders of the pictures that pass the filter, with their numbers."""
    folders = _counted(db, where, "folder", "pictures DESC, value")
    return Facets(
        kinds=_counted(db, where, "kind", "pictures DESC, value"),
        cameras=_counted(db, where, "camera", "pictures DESC, value"),
        years=_counted(db, where, "substr(taken, 1, 4)", "value DESC"),
        folders=tuple((str(to_path(folder)), pictures) for folder, pictures in folders),
    )


def folder_sizes(db: sqlite3.Connection) -> dict[Path, int]:
    """Distinct contents right in each folder that has some."""
    statement = "SELECT folder, count(DISTINCT content) FROM files GROUP BY folder"
    return {to_path(folder): int(count) for folder, count in db.execute(statement)}


def _counted(db: sqlite3.Connection, where: Filter | None, value: str, order: str) -> Counted:
    condition, parameters = sql_of(where)
    statement = (
        f"SELECT {value} AS value, count(*) AS pictures FROM files WHERE {condition} AND value IS NOT NULL "
        f"GROUP BY value ORDER BY {order} LIMIT {MOST}"
    )
    return tuple((str(row[0]), int(row[1])) for row in db.execute(statement, parameters))
