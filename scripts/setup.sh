#!/bin/sh
# Makes a virtual environment and installs Dinoscope into it, editable, with the locked versions.
#   scripts/setup.sh VENV EXTRAS LOCK      e.g. scripts/setup.sh .venv dev requirements/dev.txt
# PYTHON names another interpreter. pip uses your own index and settings.
set -eu
venv=$1 extras=$2 lock=$3

fail() { echo "$1" >&2; exit 1; }

usable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c '' 2>/dev/null; then
    found=
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
        if usable "$candidate"; then found=$candidate; break; fi
    done
    [ -n "$found" ] || fail "Dinoscope needs Python 3.11 or newer with its venv module: install it (Debian: apt install python3-venv) or name one with PYTHON=/path/to/python make"
    echo "Making $venv with $("$found" --version)"
    "$found" -m venv --clear "$venv"
fi

echo "Installing Dinoscope${extras:+ with [$extras]} into $venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --constraint "$lock" --editable ".${extras:+[$extras]}" \
    || fail "pip could not install Dinoscope: see what it says above, then run make again"
