#!/bin/sh
# Writes requirements/*.txt: the exact versions that a fresh install of each set of extras gets today.
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python=${PYTHON:-python3.11}

lock() {
    name=$1 extras=$2
    "$python" -m venv "$scratch/$name"
    "$scratch/$name/bin/python" -m pip install --quiet --disable-pip-version-check ".${extras:+[$extras]}"
    {
        echo "# Made by scripts/lock.sh with $("$python" --version): pip install .${extras:+[$extras]}"
        echo "# Used as constraints (pip install -c), so a platform without one of these simply skips it."
        # The build label after + (torch's +cpu) depends on the index, not on the version.
        "$scratch/$name/bin/python" -m pip freeze --exclude dinoscope | sed 's/+.*//' | LC_ALL=C sort -f
    } > "requirements/$name.txt"
    echo "requirements/$name.txt: $(grep -c == "requirements/$name.txt") packages"
}

lock light ""
lock dev dev
lock all all,bench,reference,dev
