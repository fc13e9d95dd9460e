"""There is one place that turns strangers' bytes into pixels, and the gate is in it.

Who adds a way in either goes through it, or has to write itself into a list here and say why.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "dinoscope"
TREES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")
}

DECODERS = {
    "pictures/decoding.py": "the one place",
    "pictures/masks.py": "black and white of a selection: kept as a mask, and no picture",
    "cli/map_drawing.py": "thumbnails that the library made of what passed",
    "pictures/thumbnails.py": "the same, for the comparison of copies",
    "operations/edits.py": "pixels that passed, encoded and read again",
    "operations/toning.py": "pixels that passed, encoded and read again",
}
OWN = {  # who may say that bytes are the program's own
    "pictures/worker.py": "the sample's files, and the picture it warms up with",
    "server/images.py": "a thumbnail of the library",
    "server/looking.py": "an upload, which passed when it was sent",
    "server/resources/regions.py": "an upload",
    "server/resources/objects.py": "an upload",
    "cli/regions.py": "a thumbnail of the library",
    "operations/bases.py": "the sample",
    "operations/imagining.py": "the sample",
    "operations/palettes.py": "the sample",
    "operations/recognising.py": "the sample",
    "training/agreement.py": "the sample",
}
LIMITS = {  # who may make limits other than from the settings, whose word about faces they carry
    "pictures/limits.py": "from the settings",
    "pictures/worker.py": "as the parent process told",
    "training/view_worker.py": "as the parent process told",
}


def calls(path: str) -> Iterator[ast.Call]:
    return (node for node in ast.walk(TREES[path]) if isinstance(node, ast.Call))


def named(call: ast.Call) -> str:
    return ast.unparse(call.func)


def test_pictures_are_decoded_in_one_place() -> None:
    openers = {
        path for path in TREES for call in calls(path) if named(call) in {"Image.open", "PIL.Image.open"}
    }
    assert openers == DECODERS.keys()


def test_whoever_decodes_passes_the_gate() -> None:
    (decode,) = [
        node
        for node in TREES["pictures/decoding.py"].body
        if isinstance(node, ast.FunctionDef) and node.name == "decode"
    ]
    (last,) = [node for node in decode.body if isinstance(node, ast.Return)]
    assert ast.unparse(last.value or last).startswith("admitted(_upright(")
    around = [path for path in TREES for call in calls(path) if named(call) == "_upright"]
    assert around.count("pictures/decoding.py") == 2, "and once more, for the gate to see more pixels"
    importers = [
        path
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.module == "dinoscope.pictures.decoding"
        and any(alias.name.startswith("_") for alias in node.names)
    ]
    assert not importers


def test_videos_are_opened_in_two_places_and_their_frames_pass_the_gate() -> None:
    openers = {path for path in TREES for call in calls(path) if named(call).endswith("av.open")}
    assert openers == {"training/video.py", "pictures/films.py"}
    assert any(named(call) == "admitted_frame" for call in calls("training/video.py"))
    # Pixels leave an open film by ``upright`` alone: as bytes that are decoded, or through the gate.
    users = {
        path for path in TREES for call in calls(path) if named(call) in {"Film", "film.upright", "film.at"}
    }
    assert users == {"pictures/reading.py", "pictures/watching.py"}
    assert any(named(call) == "admitted" for call in calls("pictures/watching.py"))


def test_arrays_that_a_caller_brings_pass_the_gate() -> None:
    asked = [
        ast.unparse(call.args[0])
        for call in calls("operations/queries.py")
        if named(call) == "admitted_frame"
    ]
    assert asked == ["_checked(picture)"]


def test_limits_say_what_the_settings_say_of_faces() -> None:
    makers = {
        path
        for path in TREES
        for call in calls(path)
        if named(call) in {"Limits", "cls"}
        and "Limits" in ast.unparse(TREES[path])
        and (named(call) == "Limits" or path == "pictures/limits.py")
    }
    assert makers == LIMITS.keys()
    silenced = [
        path
        for path in TREES
        for call in calls(path)
        for keyword in call.keywords
        if keyword.arg == "faces" and ast.unparse(keyword.value) == "'allow'"
    ]
    assert sorted(silenced) == ["cli/faces.py", "operations/traces.py"], "only what looks, and keeps nothing"


def test_few_may_say_that_bytes_are_the_programs_own() -> None:
    sayers = {
        path
        for path in TREES
        for call in calls(path)
        for value in (*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "trust"))
        if isinstance(value, ast.Constant) and value.value == "own"
    }
    assert sayers == OWN.keys()
