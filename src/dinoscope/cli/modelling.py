"""``dinoscope models``: which there are, what they are, and fetching them ahead of time."""

from __future__ import annotations

from typing import Annotated

import typer

from dinoscope.cli.options import JsonOption, OfflineOption, settings_of
from dinoscope.cli.output import escaped, in_bytes, note, out, print_json, say, table

app = typer.Typer(no_args_is_help=True, help="Models: list them, look at one, fetch one.")
NameArgument = Annotated[str, typer.Argument(metavar="MODEL", help="A model's name or a weights file.")]


@app.command("list")
def list_models(json: JsonOption = False) -> None:
    """The models Dinoscope knows; * marks the one in use."""
    from dinoscope.models.catalog import CARDS

    current = settings_of().model
    if json:
        print_json([described(name, current=current) for name in CARDS])
        return
    made = table("", "Name", "Model", "Weights", "Precision", "Licence", right=["Weights"])
    for card in CARDS.values():
        mark = "*" if card.name == current else ""
        licence = escaped(card.licence) + (" [yellow](gated)[/]" if card.gated else "")
        made.add_row(mark, card.name, escaped(card.title), in_bytes(card.bytes), card.precision, licence)
    out().print(made)
    if current not in CARDS:
        note(f"[dim]In use: {escaped(current)}[/]")


@app.command()
def info(model: NameArgument, json: JsonOption = False) -> None:
    """What is known of a model."""
    facts = described(model, current=settings_of().model)
    if json:
        print_json(facts)
        return
    for key, value in facts.items():
        say(f"[bold]{key.replace('_', ' '):<12}[/] {escaped(value)}")


@app.command()
def pull(model: NameArgument, offline: OfflineOption = False, json: JsonOption = False) -> None:
    """Fetch a model's weights and check them, so that it works without a network later."""
    from dinoscope.models.cards import card_of
    from dinoscope.models.weights import fetch, weights_digest

    settings = settings_of(offline)
    card = card_of(model)
    path = fetch(card, settings)
    digest = weights_digest(path, settings)
    if json:
        print_json({"name": card.name, "path": path, "weights": digest})
    else:
        say(f"[green]{escaped(card.title)}[/] is at {escaped(path)} ({digest})")


def described(name: str, *, current: str) -> dict[str, object]:
    """A card as plain facts."""
    from dinoscope.models.cards import card_of

    card = card_of(name)
    return {
        "name": card.name,
        "title": card.title,
        "family": card.family,
        "licence": card.licence,
        "source": f"{card.source.repository}: {card.source.file}",
        "bytes": card.bytes,
        "sha256": card.sha256 or "noted at the first fetch",
        "gated": card.gated,
        "dimension": card.dimension,
        "patch": card.config.patch,
        "precision": card.precision,
        "current": name == current,
        "notes": card.notes,
    }
