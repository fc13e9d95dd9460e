"""The command ``dinoscope``: the only part that prints and exits."""

from __future__ import annotations

import sys


def main() -> None:
    """Run a command line; errors become one sentence and an exit code.

    0 all is well, 1 an error or a fault found, 2 a wrong command line or value, 130 Ctrl-C.
    """
    try:
        from dinoscope.cli.app import app  # here, so that Ctrl-C during the imports is quiet, too

        app()
    except KeyboardInterrupt:
        sys.exit(130)
