"""The rules of CONTRIBUTING.md that a machine can check, over every module of the package."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "dinoscope"

# Lower layers know nothing of higher ones. Parts on one line may use each other only as SIDEWAYS says.
LAYERS = [
    {"errors", "geometry", "sample"},
    {"pictures", "features", "settings"},
    {"models", "engines"},
    {"library"},
    {"operations", "training", "cluster"},
    {"server"},
    {"cli"},
    {"__main__"},
]
SIDEWAYS = {
    ("features", "geometry"),
    ("pictures", "features"),
    ("pictures", "settings"),
    ("cluster", "operations"),
}
MOST_LINES, MOST_BODY = 400, 60
BROAD = {"Exception", "BaseException", "all"}

MODULES = sorted(PACKAGE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text("utf-8")) for path in MODULES}


def name_of(path: Path) -> str:
    """dinoscope/library/records.py -> dinoscope.library.records"""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path): path for path in MODULES}


def imports_of(path: Path, typing_too: bool = True) -> set[str]:
    """Modules of the package that a module imports, those inside functions counted."""
    found: set[str] = set()
    for node in nodes(TREES[path], typing_too):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} imports relatively"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names if names <= NAMES.keys() else names | {node.module}
    return {name for name in found if name in NAMES and name != name_of(path)}


def nodes(tree: ast.AST, typing_too: bool) -> Iterator[ast.AST]:
    """Every node, without the bodies of ``if TYPE_CHECKING`` unless they are wanted."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test) and not typing_too:
            for other in child.orelse:
                yield from nodes(other, typing_too)
        else:
            yield from nodes(child, typing_too)


def part_of(module: str) -> str:
    """dinoscope.library.records -> library"""
    return module.split(".")[1]


def layer_of(module: str) -> int:
    part = part_of(module)
    for level, parts in enumerate(LAYERS):
        if part in parts:
            return level
    raise AssertionError(f"{module} is in no layer: name its place in tests/test_architecture.py")


def functions() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield path, node


@pytest.mark.parametrize("module", [name for name in NAMES if "." in name])
def test_dependencies_point_down(module: str) -> None:
    for other in imports_of(NAMES[module]):
        if other == "dinoscope":  # the version
            continue
        here, there = part_of(module), part_of(other)
        if here != there and (here, there) not in SIDEWAYS:
            assert layer_of(other) < layer_of(module), f"{module} must not import {other}"


def test_no_module_imports_itself_through_others() -> None:
    # The facade names everything, lazily: what it imports is checked above, and nothing imports it back.
    edges = {name: imports_of(path, typing_too=False) - {"dinoscope"} for name, path in NAMES.items()}
    edges.pop("dinoscope")
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail[trail.index(name) :], name))
        if name in done:
            return
        for other in sorted(edges[name]):
            visit(other, (*trail, name))
        done.add(name)

    for name in edges:
        visit(name, ())


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_is_too_long_to_hold_in_mind(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) < MOST_LINES


def test_no_function_is_too_long_to_hold_in_mind() -> None:
    long = {
        f"{name_of(path)}.{node.name}": length
        for path, node in functions()
        if (length := (node.end_lineno or 0) - node.lineno + 1) >= MOST_BODY
    }
    assert not long


def test_no_module_is_a_drawer_for_everything() -> None:
    assert not [path for path in MODULES if path.stem in {"utils", "util", "helpers", "misc", "common"}]


def test_every_module_that_is_not_empty_says_what_it_is() -> None:
    silent = [name_of(path) for path, tree in TREES.items() if tree.body and not ast.get_docstring(tree)]
    assert not silent


def test_every_public_name_says_what_it_is() -> None:
    assert not sorted(undocumented())


def undocumented() -> Iterator[str]:
    """Public functions, methods and classes without a docstring; one that only holds fields needs none."""
    for path, tree in TREES.items():
        for node in tree.body:
            if needs_words(node):
                yield f"{name_of(path)}.{node.name}"  # type: ignore[attr-defined]
            elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                if not ast.get_docstring(node) and not all(is_field(each) for each in node.body):
                    yield f"{name_of(path)}.{node.name}"
                for each in node.body:
                    if needs_words(each):
                        yield f"{name_of(path)}.{node.name}.{each.name}"  # type: ignore[attr-defined]


def is_field(statement: ast.stmt) -> bool:
    """A field, or another way to fill the fields."""
    if isinstance(statement, ast.FunctionDef):
        return [ast.unparse(wrap) for wrap in statement.decorator_list] == ["classmethod"]
    return isinstance(statement, (ast.AnnAssign, ast.Assign))


def needs_words(method: ast.stmt) -> bool:
    """Public functions do, but for properties, one-liners, and methods a seam's Protocol explains."""
    if not isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)) or method.name.startswith("_"):
        return False
    if ast.get_docstring(method) or len(method.body) == 1 or method.name in EXPLAINED:
        return False
    return not any(
        ast.unparse(wrap).endswith(("property", "setter", "override")) for wrap in method.decorator_list
    )


EXPLAINED = {
    method.name
    for tree in TREES.values()
    for node in tree.body
    if isinstance(node, ast.ClassDef)
    for method in node.body
    if isinstance(method, ast.FunctionDef) and ast.get_docstring(method)
}


def test_only_the_command_line_prints_and_exits() -> None:
    loud = [
        f"{name_of(path)}:{node.lineno}"
        for path, tree in TREES.items()
        if not name_of(path).startswith(("dinoscope.cli", "dinoscope.__main__"))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"print", "sys.exit", "exit", "os._exit"}
        # a worker process ends itself; it is not the user's
        and not (ast.unparse(node.func) == "os._exit" and "worker" in path.stem)
    ]
    assert not loud


def test_only_the_server_knows_http() -> None:
    web = re.compile(r"^(fastapi|starlette|uvicorn|http\.server)\b")
    for path, tree in TREES.items():
        if not name_of(path).startswith("dinoscope.server"):
            for node in ast.walk(tree):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert not [name for name in names if web.match(name)], name_of(path)


def test_broad_excepts_are_justified() -> None:
    for path, tree in TREES.items():
        lines = path.read_text("utf-8").splitlines()
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and ast.unparse(node.type or ast.Name("all")) in BROAD:
                says_why = "#" in lines[node.lineno - 1] + lines[node.lineno]
                passes_on = isinstance(node.body[-1], ast.Raise)
                assert says_why or passes_on, f"{name_of(path)}:{node.lineno} does not say why it catches all"


def test_importing_dinoscope_costs_nothing() -> None:
    """Neither numpy nor anything else heavy is loaded before it is used."""
    heavy = ["numpy", "PIL", "onnxruntime", "onnx", "faiss", "fastapi", "typer", "rich", "torch", "sqlite3"]
    code = f"import sys, dinoscope; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", [name for name in NAMES if "__main__" not in name])
def test_a_module_does_nothing_when_imported(module: str) -> None:
    """Only definitions, constants and tables at the top level: no loops, no calls for their effect."""
    restless = (ast.For, ast.While, ast.With, ast.Raise, ast.Assert, ast.Delete)
    for node in TREES[NAMES[module]].body:
        if isinstance(node, ast.Expr):
            assert isinstance(node.value, ast.Constant) or registers(node.value), f"{module}:{node.lineno}"
        else:
            assert not isinstance(node, restless), f"{module}:{node.lineno}"


def registers(call: ast.expr) -> bool:
    """Putting commands under an application object defines it; it does nothing else."""
    return isinstance(call, ast.Call) and ast.unparse(call.func).endswith(
        ("_register", ".add_typer", ".command", ".include_router")
    )


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], capture_output=True, cwd=ROOT, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name.decode() for name in done.stdout.split(b"\0") if name]


def test_no_file_names_the_machine_it_was_written_on() -> None:
    places = re.compile(rb"/root/|/home/(?!you)[a-z]+/")
    allowed = {Path(__file__)}
    for path in tracked():
        if (
            path in allowed
            or not path.is_file()
            or path.suffix in {".webp", ".png", ".jpg", ".onnx", ".npz", ".safetensors"}
        ):
            continue
        data = path.read_bytes()
        if b"\0" not in data[:1000]:
            assert not places.search(data), f"{path.relative_to(ROOT)} names {places.search(data)}"
