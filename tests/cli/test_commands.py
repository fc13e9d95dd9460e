"""Each command as a user meets it: what it prints where, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.conftest import Dinoscope, paint

SENTENCE = r"^Error: .+\.\n$"


def test_index_reports_and_a_second_time_knows_all(dinoscope: Dinoscope, folder: Path) -> None:
    first, second = dinoscope("index", folder), dinoscope("index", folder)
    assert (first.code, second.code) == (0, 0)
    assert first.out.startswith("8 new pictures, 0 known in ")
    assert second.out.startswith("0 new pictures, 8 known in ")


def test_index_prints_one_json_document(dinoscope: Dinoscope, folder: Path) -> None:
    (folder / "bad.jpg").write_text("no picture")
    ran = dinoscope("index", folder, "--json")
    assert ran.json | {"seconds": 0} == {
        "library": str(dinoscope.library),
        "found": 9,
        "added": 8,
        "known": 0,
        "completed": 0,
        "removed": 0,
        "refused": 1,
        "seconds": 0,
        "finished": True,
        "faces": "allow",
        "refusals": [
            {"path": str(folder / "bad.jpg"), "sentence": ran.json["refusals"][0]["sentence"]},
        ],
    }


def test_a_missing_folder_is_one_sentence_and_makes_no_library(dinoscope: Dinoscope, tmp_path: Path) -> None:
    ran = dinoscope("index", tmp_path / "nowhere")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        f"Error: {tmp_path / 'nowhere'} does not exist: check the name, or mount the disk it is on.\n"
    )
    assert not dinoscope.library.exists()


def test_search_prints_the_best_first(dinoscope: Dinoscope, indexed: Path) -> None:
    ran = dinoscope("search", indexed / "a" / "2.png", "-k", "3")
    assert ran.code == 0
    lines = [line for line in ran.out.splitlines() if ".png" in line]
    assert len(lines) == 3
    assert lines[0].split()[:2] == ["1", "1.000"]
    assert str(indexed / "a" / "2.png") in lines[0]
    assert "8 pictures are too few" in ran.out


def test_search_as_json_is_the_answer(dinoscope: Dinoscope, indexed: Path) -> None:
    answer = dinoscope("search", indexed / "a" / "2.png", "--json", "--where", "folder~b").json
    assert answer["searched"] == 4
    assert {Path(hit["picture"]["path"]).parent.name for hit in answer["hits"]} == {"b"}
    assert answer["hits"][0].keys() == {"picture", "score", "percentile", "copies"}
    assert answer["verdict"].keys() == {"found", "chance", "sentence"}
    assert answer["model"].startswith("tiny@")


def test_search_takes_stdin_ids_several_pictures_and_unlikes(dinoscope: Dinoscope, indexed: Path) -> None:
    path = indexed / "a" / "2.png"
    by_file = dinoscope("search", path, "--json").json["hits"]
    by_stdin = dinoscope("search", "-", "--json", stdin=path.read_bytes()).json["hits"]
    assert by_stdin == by_file
    own = by_file[0]["picture"]["id"]
    by_id = dinoscope("search", f"id:{own}", "--json").json["hits"]
    assert [hit["picture"]["id"] for hit in by_id] == [hit["picture"]["id"] for hit in by_file[1:]]
    other = indexed / "b" / "7.png"
    alike = dinoscope("search", path, other, "--json").json["hits"]
    apart = dinoscope("search", path, other, "--unlike", indexed / "a" / "0.png", "--json").json["hits"]
    assert len(alike) == len(apart) == 8
    scores = [
        next(hit["score"] for hit in hits if hit["picture"]["path"].endswith("a/0.png"))
        for hits in (alike, apart)
    ]
    assert scores[1] < scores[0]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere.png"], 1, "nowhere.png does not exist"),
        (["id:999"], 1, "no picture 999"),
        (["{bad}"], 1, "is not a picture"),
        (["{good}", "--where", "colour=red"], 2, "write clauses like"),
        (["{good}", "--precision", "int3"], 2, "int3"),
        (["{good}", "--model", "dinov2-vits41"], 1, "did you mean dinov2-vits14"),
        (["{good}", "--library", "{folder}"], 1, "there is no library at"),
    ],
)
def test_each_mistake_in_a_search_is_one_sentence(
    dinoscope: Dinoscope, indexed: Path, arguments: list[str], code: int, words: str
) -> None:
    bad = dinoscope.library.parent / "bad.txt"
    bad.write_text("hello")
    names = {"bad": bad, "good": indexed / "a" / "0.png", "folder": indexed}
    ran = dinoscope("search", *(argument.format(**names) for argument in arguments))
    assert ran.code == code
    assert ran.out == ""
    assert words.lower() in ran.err.lower()
    assert ran.err.startswith("Error: ")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["search"], ["search", "x", "-k", "0"], ["sarch"], ["--nonsense"]])
def test_a_wrong_command_line_exits_2(dinoscope: Dinoscope, arguments: list[str]) -> None:
    ran = dinoscope(*arguments)
    assert ran.code == 2
    assert ran.out == ""


def test_a_file_that_an_error_begins_with_keeps_its_name(dinoscope: Dinoscope) -> None:
    ran = dinoscope("match", "pics/nothere.webp", "pics/nothere.webp")
    assert ran.err == "Error: pics/nothere.webp does not exist: check the name.\n"


def test_a_missing_model_is_one_sentence(dinoscope: Dinoscope, folder: Path) -> None:
    ran = dinoscope("index", folder, "--model", "dinov2-vits14", "--offline")
    assert ran.code == 1
    assert ran.err.count("Error: ") == 1
    assert "dinov2-vits14" in ran.err.lower() or "DINOv2" in ran.err


def test_a_second_writer_is_told_who_writes(dinoscope: Dinoscope, indexed: Path) -> None:
    from dinoscope.library.library import Library

    with Library.open(dinoscope.library, write=True):
        ran = dinoscope("index", indexed)
    assert ran.code == 1
    assert str(os.getpid()) in ran.err


def test_info_list_verify_and_compact(dinoscope: Dinoscope, indexed: Path) -> None:
    assert dinoscope("library", "info", "--json").json["pictures"] == 8
    assert "8 pictures" in dinoscope("library", "info").out
    listed = dinoscope("library", "list", "--json", "--limit", "3").json
    assert (listed["total"], len(listed["pictures"])) == (8, 3)
    assert dinoscope("library", "verify").out == "The library is sound.\n"
    assert dinoscope("library", "compact", "--json").json["vectors"] == 0


def test_removing_forgets_rows_and_never_files(dinoscope: Dinoscope, indexed: Path) -> None:
    asked = dinoscope("library", "remove", "--where", "folder~b", stdin=b"n\n")
    assert asked.code != 0
    assert dinoscope("library", "info", "--json").json["pictures"] == 8
    assert dinoscope("library", "remove", "--where", "folder~b", "--yes", "--json").json == {"removed": 4}
    assert dinoscope("library", "info", "--json").json["pictures"] == 4
    assert len(list(indexed.rglob("*.png"))) == 8
    assert dinoscope("library", "remove").code == 2


def test_a_damaged_library_fails_verify(dinoscope: Dinoscope, indexed: Path) -> None:
    vectors = next(dinoscope.library.rglob("*.f16"))
    vectors.write_bytes(vectors.read_bytes()[:100])
    ran = dinoscope("library", "verify", "--json")
    assert ran.code == 1
    assert not ran.json["sound"]
    assert ran.json["findings"]


def test_commands_that_look_make_no_library(dinoscope: Dinoscope) -> None:
    for command in (["info"], ["list"], ["verify"], ["compact"], ["remove", "--id", "1"]):
        ran = dinoscope("library", *command)
        assert ran.code == 1
        assert "There is no library" in ran.err
    assert not dinoscope.library.exists()


def test_models_are_listed_and_described(dinoscope: Dinoscope, tiny_model: Path) -> None:
    names = [model["name"] for model in dinoscope("models", "list", "--json").json]
    assert names[0] == "starter"
    assert "dinov2-vits14" in names
    assert dinoscope("models", "info", "dinov2-vitb14", "--json").json["dimension"] == 768
    pulled = dinoscope("models", "pull", tiny_model, "--json").json
    assert pulled["path"] == str(tiny_model)


def test_config_says_where_each_value_comes_from(dinoscope: Dinoscope, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('port = 8000\ntoken = "a secret nobody sees"\n')
    shown = dinoscope("config", "--json")
    settings = shown.json["settings"]
    assert settings["port"] == {"value": 8000, "from": str(tmp_path / "config.toml")}
    assert settings["library"]["from"] == "DINOSCOPE_LIBRARY"
    assert settings["host"]["from"] == "default"
    assert "secret" not in shown.out
    (tmp_path / "config.toml").write_text("prot = 8000\n")
    assert dinoscope("config").code == 2


def test_doctor_finds_all_well_or_exits_1(dinoscope: Dinoscope, indexed: Path) -> None:
    checks = {check["name"]: check for check in dinoscope("doctor", "--json").json["checks"]}
    assert checks["model"]["ok"]
    assert checks["library"]["ok"]
    assert checks["cache"]["ok"]
    ill = dinoscope("doctor", "--json", "--model", "no-such-model")
    assert ill.code == 1
    assert not ill.json["ok"]


def test_version(dinoscope: Dinoscope) -> None:
    from dinoscope import __version__

    assert dinoscope("--version").out == f"dinoscope {__version__}\n"


def test_help_names_every_command(dinoscope: Dinoscope) -> None:
    out = dinoscope("--help").out
    for command in ("index", "search", "serve", "demo", "models", "library", "config", "doctor"):
        assert f" {command} " in out


def test_file_names_are_printed_as_they_are_and_never_as_markup(dinoscope: Dinoscope, folder: Path) -> None:
    paint(folder / "[bold]x[/] \x1b[31mred.png", 50)
    assert dinoscope("index", folder).code == 0
    out = dinoscope("search", folder / "a" / "0.png").out
    assert "[bold]x[/]" in out
    assert "\x1b" not in out


def test_a_closed_pipe_is_no_error(dinoscope: Dinoscope, indexed: Path) -> None:
    process = dinoscope.start("library", "list", "--json")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 0
    assert error == b""


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_keeps_what_is_done_and_exits_130(dinoscope: Dinoscope, tmp_path: Path) -> None:
    for seed in range(600):
        paint(tmp_path / "many" / f"{seed}.png", seed, (300, 200))
    # Python closes late what an interrupt catches between its opening and its `with`.
    dinoscope.environment["PYTHONWARNINGS"] += ",ignore::ResourceWarning"
    process = dinoscope.start("index", tmp_path / "many")
    deadline = time.monotonic() + 60
    while not (dinoscope.library / "thumbnails").exists() and time.monotonic() < deadline:
        time.sleep(0.02)  # the first pictures are decoded
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == b""
    assert b"kept. The same command goes on from there." in err
    assert b"Traceback" not in err
    again = dinoscope("index", tmp_path / "many", "--json").json
    assert again["added"] + again["known"] == 600


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    code = "import dinoscope.cli.app, sys; print(*(m for m in sys.modules if '.' not in m))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"numpy", "PIL", "onnxruntime", "onnx", "faiss", "fastapi", "uvicorn", "sqlite3", "torch"}
    assert not heavy & set(loaded)
