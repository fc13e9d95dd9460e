from __future__ import annotations

import inspect

import pytest

from dinoscope import errors
from dinoscope.errors import DinoscopeError

ALL = [
    value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, DinoscopeError)
]


@pytest.mark.parametrize("kind", ALL)
def test_the_sentence_is_what_str_shows(kind: type[DinoscopeError]) -> None:
    assert str(kind("the cat is out: close the door")) == "the cat is out: close the door"


@pytest.mark.parametrize("kind", ALL)
def test_both_edges_can_translate_it(kind: type[DinoscopeError]) -> None:
    assert kind.exit_code in {1, 2}
    assert 400 <= kind.status < 600
    assert kind.title
    assert not kind.title.endswith(".")


def test_titles_tell_errors_apart() -> None:
    titles = [kind.title for kind in ALL]
    assert len(set(titles)) == len(titles)


def test_only_what_the_caller_wrote_is_a_usage_error() -> None:
    assert [kind.__name__ for kind in ALL if kind.exit_code == 2] == ["BadRequest"]
