from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinoscope.errors import BadRequest
from dinoscope.settings import Settings, config_path, load_settings


def config(tmp_path: Path, text: str) -> dict[str, str]:
    """An environment whose config file holds ``text``."""
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    return {"DINOSCOPE_CONFIG": str(path)}


def test_nothing_given_means_the_defaults(tmp_path: Path) -> None:
    assert load_settings({"DINOSCOPE_CONFIG": str(tmp_path / "none.toml")}) == Settings()


def test_the_environment_beats_the_file_and_the_caller_beats_both(tmp_path: Path) -> None:
    environment = config(tmp_path, 'model = "from-file"\nport = 1001\nthreads = 3\n')
    environment |= {"DINOSCOPE_PORT": "1002", "DINOSCOPE_THREADS": "4"}
    settings = load_settings(environment).with_overrides(threads=5)
    assert (settings.model, settings.port, settings.threads) == ("from-file", 1002, 5)


def test_none_means_not_given() -> None:
    assert Settings(port=1).with_overrides(port=None, model=None).port == 1


def test_an_empty_variable_means_not_given(tmp_path: Path) -> None:
    assert load_settings(config(tmp_path, "port = 5\n") | {"DINOSCOPE_PORT": ""}).port == 5


@pytest.mark.parametrize("field", [field.name for field in fields(Settings)])
def test_every_field_is_a_variable(field: str, tmp_path: Path) -> None:
    like = getattr(Settings(), field)
    text = "1" if isinstance(like, (bool, int, float)) else "blur" if field == "faces" else "something"
    settings = load_settings({f"DINOSCOPE_{field.upper()}": text, "DINOSCOPE_CONFIG": str(tmp_path / "no")})
    assert getattr(settings, field) == type(like)(text)
    assert type(getattr(settings, field)) is type(like)


@pytest.mark.parametrize(
    ("text", "truth"),
    [("1", True), ("true", True), ("YES", True), ("0", False), ("False", False), ("no", False)],
)
def test_truth_is_read_in_words(text: str, truth: bool) -> None:
    assert Settings(offline=not truth).with_overrides(offline=text).offline is truth


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"port": "http"}, "whole number"),
        ({"port": 80.5}, "whole number"),
        ({"port": True}, "whole number"),
        ({"offline": "maybe"}, "yes or no"),
        ({"max_seconds": "soon"}, "number"),
        ({"max_seconds": False}, "number"),
        ({"model": 3}, "text"),
        ({"library": 3}, "path"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(values: dict[str, object], part: str) -> None:
    with pytest.raises(BadRequest, match=f"no {part}"):
        Settings().with_overrides(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"port": 65536},
        {"port": -1},
        {"threads": -1},
        {"max_bytes": 0},
        {"max_seconds": "nan"},
        {"max_pixels": 0},
    ],
)
def test_a_number_out_of_range_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(BadRequest, match="out of range"):
        Settings().with_overrides(**values)


def test_a_misspelt_variable_is_named_with_the_one_that_was_meant() -> None:
    with pytest.raises(BadRequest, match=r"DINOSCOPE_THREAD, .*did you mean DINOSCOPE_THREADS"):
        load_settings({"DINOSCOPE_THREAD": "2"})


def test_an_unknown_key_of_the_file_is_named_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"config\.toml sets 'modell', .*did you mean model\?"):
        load_settings(config(tmp_path, 'modell = "x"\n'))


def test_a_key_like_no_other_lists_what_there_is() -> None:
    with pytest.raises(BadRequest, match="use one of library, model"):
        Settings().with_overrides(zzz=1)


@pytest.mark.parametrize("bad", [b"port = = 3", b"\xff\xfe"])
def test_a_broken_file_is_named(bad: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(bad)
    with pytest.raises(BadRequest, match=r"broken\.toml is not valid TOML"):
        load_settings({"DINOSCOPE_CONFIG": str(path)})


def test_a_tilde_is_the_home_folder() -> None:
    assert Settings().with_overrides(library="~/pictures").library == Path.home() / "pictures"


def test_the_config_file_can_be_moved() -> None:
    assert config_path({"DINOSCOPE_CONFIG": "/elsewhere.toml"}) == Path("/elsewhere.toml")
    assert config_path({}).name == "config.toml"


def test_settings_never_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


@given(st.integers(0, 65535))
def test_a_port_survives_the_way_through_text(port: int) -> None:
    assert Settings().with_overrides(port=str(port)).port == port


@pytest.mark.parametrize("mode", ["auto", "block", "blur", "drop-patches", "allow"])
def test_what_is_done_with_faces_is_a_choice(mode: str) -> None:
    assert load_settings({"DINOSCOPE_FACES": mode}).faces == mode
    with pytest.raises(BadRequest, match="use auto, block, blur, drop-patches or allow"):
        Settings().with_overrides(faces=mode.upper())
