"""``dinoscope models``: which there are, what they are, fetching them ahead of time, deleting one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dinoscope.cli.options import JsonOption, OfflineOption, settings_of
from dinoscope.cli.output import escaped, in_bytes, note, out, print_json, say, table

if TYPE_CHECKING:
    from dinoscope.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Models: list them, look at one, fetch one, delete your own.")
NameArgument = Annotated[str, typer.Argument(metavar="MODEL", help="A model's name or a weights file.")]


@app.command("list")
def list_models(json: JsonOption = False) -> None:
    """The models Dinoscope knows, your own last; * marks the one in use."""
    from dinoscope.models.catalog import CARDS
    from dinoscope.models.owned import list_owned

    settings = settings_of()
    cards = [*CARDS.values(), *(one.card for one in list_owned(settings.models))]
    if json:
        print_json([described(card.name, settings) for card in cards])
        return
    made = table("", "Name", "Model", "Weights", "Precision", "Licence", right=["Weights"])
    for card in cards:
        mark = "*" if card.name == settings.model else ""
        licence = escaped(card.licence) + (" [yellow](gated)[/]" if card.gated else "")
        made.add_row(mark, card.name, escaped(card.title), in_bytes(card.bytes), card.precision, licence)
    out().print(made)
    if settings.model not in {card.name for card in cards}:
        note(f"[dim]In use: {escaped(settings.model)}[/]")


@app.command()
def info(model: NameArgument, json: JsonOption = False) -> None:
    """What is known of a model; of your own also where it came from."""
    facts = described(model, settings_of())
    if json:
        print_json(facts)
        return
    for key, value in facts.items():
        if not isinstance(value, dict):
            say(f"[bold]{key.replace('_', ' '):<12}[/] {escaped(value)}")
    origin = facts.get("provenance")
    for key, value in origin.items() if isinstance(origin, dict) else ():
        if key == "scores":
            value = ", ".join(f"{name} {score:.4g}" for name, score in value.items())  # noqa: PLW2901
        if value and key != "recipe":
            shown = ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else value
            say(f"[bold]{key:<12}[/] {escaped(shown)}")


@app.command()
def remove(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The name of a model you trained.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: JsonOption = False,
) -> None:
    """Delete a model you trained. Its training and your libraries stay as they are."""
    from dinoscope.models.owned import find_owned, remove_owned

    models = settings_of().models
    if not yes and not json and find_owned(models, model):
        typer.confirm(f"Delete the model {model}?", abort=True, err=True)
    freed = remove_owned(models, model)
    if json:
        print_json({"removed": model, "bytes": freed})
    else:
        say(f"{escaped(model)} deleted, {in_bytes(freed)} freed.")


@app.command()
def pull(model: NameArgument, offline: OfflineOption = False, json: JsonOption = False) -> None:
    """Fetch a model's weights and check them, so that it works without a network later."""
    from dinoscope.models.cards import card_of
    from dinoscope.models.weights import fetch, weights_digest

    settings = settings_of(offline)
    card = card_of(model, settings.models)
    path = fetch(card, settings)
    digest = weights_digest(path, settings)
    if json:
        print_json({"name": card.name, "path": path, "weights": digest})
    else:
        say(f"[green]{escaped(card.title)}[/] is at {escaped(path)} ({digest})")


def described(name: str, settings: Settings) -> dict[str, object]:
    """A card as plain facts."""
    from dataclasses import asdict

    from dinoscope.models.cards import card_of
    from dinoscope.models.owned import find_owned

    card, owned = card_of(name, settings.models), find_owned(settings.models, name)
    facts: dict[str, object] = {
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
        "budget": card.preprocess.budget,
        "precision": card.precision,
        "current": name == settings.model,
        "notes": card.notes,
    }
    return facts | ({"provenance": asdict(owned.provenance)} if owned else {})
