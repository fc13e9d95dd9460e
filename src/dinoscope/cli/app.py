"""The commands' names, in the order of ``--help``, and what happens to errors."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from dinoscope.errors import DinoscopeError


class Commands(TyperGroup):
    """All commands. Errors a user can cause end in a sentence and an exit code; bugs in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except DinoscopeError as error:
            from dinoscope.cli.output import fail

            fail(str(error))
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            sys.exit(130)
        except BrokenPipeError:
            # the reader (head, less) has gone; what is still buffered must not raise at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="Find pictures that look like this one, in your own folders, on your own machine.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from dinoscope import __version__

        print(f"dinoscope {__version__}")
        raise typer.Exit


@app.callback()
def dinoscope(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Find pictures that look like this one, in your own folders, on your own machine."""


def _register() -> None:
    from dinoscope.cli import (
        checking,
        comparing,
        configuring,
        copies,
        distances,
        faces,
        indexing,
        keeping,
        looking,
        mapping,
        matching,
        modelling,
        recalling,
        remembering,
        robustness,
        searching,
        serving,
        training,
        whereabouts,
    )

    app.command("index")(indexing.index)
    app.command("search")(searching.search)
    app.command("remember")(remembering.remember)
    app.command("where")(whereabouts.where)
    app.command("objects")(remembering.objects)
    app.command("forget")(remembering.forget)
    app.command("match")(matching.match)
    app.command("copies")(copies.copies)
    app.command("look")(looking.look)
    app.command("distances")(distances.distances)
    app.command("map")(mapping.map)
    app.command("robustness")(robustness.robustness)
    app.command("serve")(serving.serve)
    app.command("demo")(serving.demo)
    app.command("compare")(comparing.compare)
    app.command("train")(training.train)
    app.add_typer(recalling.app, name="runs")
    app.add_typer(modelling.app, name="models")
    app.add_typer(keeping.app, name="library")
    app.add_typer(faces.app, name="faces")
    app.command("config")(configuring.config)
    app.command("doctor")(checking.doctor)


_register()
