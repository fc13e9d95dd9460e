"""A token that was typed is not left for other users of the machine to read."""

from __future__ import annotations

import sys

import pytest

from dinoscope.cli.serving import hide, without

TOKEN = "a long secret"


@pytest.mark.parametrize("typed", [["--token", TOKEN], [f"--token={TOKEN}"]])
def test_the_token_leaves_the_command_line(typed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr("os.execve", lambda *arguments: begun.append(arguments))
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "dinoscope", "serve", *typed, "--port", "0"])
    hide(TOKEN)
    if sys.platform == "win32":
        assert not begun
        return
    ((program, arguments, environment),) = begun
    assert program == sys.executable
    assert arguments == ["python", "-m", "dinoscope", "serve", "--port", "0"]
    assert environment["DINOSCOPE_TOKEN"] == TOKEN


def test_a_token_that_was_not_typed_begins_nothing_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.execve", lambda *_: pytest.fail("began anew"))
    monkeypatch.setattr(sys, "orig_argv", ["dinoscope", "serve"])
    hide(None)
    hide("")
    hide(TOKEN)  # from the environment, or a program that calls the command


def test_nothing_else_is_taken_away() -> None:
    typed = ["dinoscope", "serve", "--library", TOKEN, "--open"]
    assert without(typed, TOKEN) == typed
