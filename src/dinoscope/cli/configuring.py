"""``dinoscope config``: every setting, its value, and who set it."""

from __future__ import annotations

import os
import tomllib
from dataclasses import fields
from pathlib import Path

from dinoscope.cli.options import JsonOption
from dinoscope.cli.output import escaped, note, out, print_json, table
from dinoscope.settings import Settings, config_path, load_settings

HIDDEN = "token"


def config(json: JsonOption = False) -> None:
    """Show the settings and where each comes from: default, config file or environment."""
    settings = load_settings()  # refuses what makes no sense before anything is shown
    path = config_path()
    sources = origins(path)
    shown = {field.name: _value(settings, field.name) for field in fields(Settings)}
    if json:
        values = {name: {"value": value, "from": sources[name]} for name, value in shown.items()}
        print_json({"file": path, "exists": path.is_file(), "settings": values})
        return
    made = table("Setting", "Value", "From")
    for name, value in shown.items():
        source = sources[name]
        made.add_row(name, escaped(value), f"[dim]{source}[/]" if source == "default" else escaped(source))
    out().print(made)
    note(f"[dim]Config file: {escaped(path)}{'' if path.is_file() else ' (not there)'}[/]")


def origins(path: Path) -> dict[str, str]:
    """For each setting, who has the last word before a flag."""
    in_file = tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
    found = {}
    for field in fields(Settings):
        variable = f"DINOSCOPE_{field.name.upper()}"
        if os.environ.get(variable):
            found[field.name] = variable
        else:
            found[field.name] = str(path) if field.name in in_file else "default"
    return found


def _value(settings: Settings, name: str) -> object:
    value = getattr(settings, name)
    if name == HIDDEN and value:
        return "(set)"  # a screenshot of this must not let anybody in
    return str(value) if isinstance(value, Path) else value
