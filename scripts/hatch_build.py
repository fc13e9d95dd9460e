"""Builds the web page into ``src/dinoscope/server/bundle``: a hatch hook, and a script for a checkout.

``python scripts/hatch_build.py`` builds when the bundle is missing or was made from other sources
(``--force`` always does). A wheel made from an sdist finds the bundle inside it and needs no Node.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run as a script where hatchling is not installed: the hook is not needed there
    BuildHookInterface = object  # type: ignore[assignment, misc]

STAMP = "source.sha256"
_FILES = ("package.json", "package-lock.json", "index.html", "tsconfig.json", "vite.config.ts")
_FOLDERS = ("src", "public")


class BundleNotBuilt(Exception):
    """The page could not be built; the message is one sentence for a person."""


def bundle_folder(root: Path) -> Path:
    """Where the built page lies in a checkout or an unpacked sdist."""
    return root / "src" / "dinoscope" / "server" / "bundle"


def source_hash(web: Path) -> str:
    """SHA-256 over the names and bytes of everything the build reads; line endings do not count."""
    digest = hashlib.sha256()
    for path in _sources(web):
        digest.update(path.relative_to(web).as_posix().encode() + b"\0")
        digest.update(path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()


def is_fresh(root: Path) -> bool:
    """True when the bundle is there and was made from the sources that lie beside it."""
    stamp = bundle_folder(root) / STAMP
    return stamp.is_file() and stamp.read_text("ascii").strip() == source_hash(root / "web")


def build(root: Path, *, force: bool = False) -> bool:
    """Build the page when needed; True when it was built.

    Raises:
        BundleNotBuilt: Node is missing, or npm or Vite failed.
    """
    if not force and is_fresh(root):
        return False
    web = root / "web"
    npm = shutil.which("npm")
    if npm is None:
        raise BundleNotBuilt(
            "The web page must be built and Node.js is not installed: "
            "install Node.js 20.19 or newer, or install Dinoscope from a released wheel"
        )
    if not _modules_match(web):
        _run([npm, "ci", "--no-audit", "--no-fund"], web)
    # Built beside and moved in whole, so that a broken build never replaces a working page.
    with tempfile.TemporaryDirectory(dir=web, prefix=".bundle-") as folder:
        made = (
            Path(folder) / "bundle"
        )  # one deeper: a temporary folder is closed to other users, a copy would be
        _run([npm, "run", "build", "--", "--outDir", str(made)], web)
        (made / STAMP).write_text(source_hash(web) + "\n", "ascii")
        bundle = bundle_folder(root)
        shutil.rmtree(bundle, ignore_errors=True)
        shutil.copytree(made, bundle)
    return True


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Called by hatchling before it packs a wheel or an sdist.

    An editable install is left alone: there the page is built by the script above when it is wanted.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make sure that the bundle is there and fresh."""
        if version == "editable":
            return
        try:
            build(Path(self.root))
        except BundleNotBuilt as error:
            raise SystemExit(str(error)) from None


def _sources(web: Path) -> Iterator[Path]:
    yield from (web / name for name in _FILES)
    for folder in _FOLDERS:
        yield from sorted(path for path in (web / folder).rglob("*") if path.is_file())


def _modules_match(web: Path) -> bool:
    installed = web / "node_modules" / ".package-lock.json"  # npm writes it last
    lock = web / "package-lock.json"
    return installed.is_file() and installed.stat().st_mtime >= lock.stat().st_mtime


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-20:])
        raise BundleNotBuilt(f"`npm {' '.join(command[1:3])}` failed in {folder}: mend what it says\n{tail}")


def main() -> int:
    """Entry of the script: 0 when the page is there, 1 with one sentence when it cannot be built."""
    root = Path(__file__).resolve().parent.parent
    try:
        built = build(root, force="--force" in sys.argv[1:])
    except BundleNotBuilt as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{'Built' if built else 'Up to date:'} {bundle_folder(root)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
