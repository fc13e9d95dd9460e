#!/bin/sh
# Tries what `make dist` made: the wheel, and a wheel built from the sdist, each in an environment of its own.
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
lock=$PWD/requirements/light.txt
python=$PWD/.venv/bin/python

try() {
    name=$1 file=$2
    "$python" -m venv "$scratch/$name"
    "$scratch/$name/bin/python" -m pip install --quiet --disable-pip-version-check -c "$lock" "$file"
    cd "$scratch"  # away from the checkout, so that only the installed files can be seen
    "$scratch/$name/bin/dinoscope" --version
    "$scratch/$name/bin/python" - <<'PYTHON'
from importlib.resources import files
package = files("dinoscope")
for part in ("server/bundle/index.html", "sample/ATTRIBUTION.md", "sample/pictures", "models/starter", "py.typed"):
    assert package.joinpath(part).is_file() or package.joinpath(part).is_dir(), f"{part} is not in the package"
PYTHON
    cd - >/dev/null
    echo "$name: installs and is complete"
}

for wheel in dist/*.whl; do try wheel "$PWD/$wheel"; done
for sdist in dist/*.tar.gz; do try sdist "$PWD/$sdist"; done
du -h dist/* | sed 's/^/  /'
