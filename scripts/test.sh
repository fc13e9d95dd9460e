#!/bin/sh
# Every check of a checkout, in the order in which they fail fastest; the last lines say what was skipped.
#   scripts/test.sh VENV [pytest arguments]
set -u
venv=$1; shift
failed= skipped=

step() {
    title=$1; shift
    printf '\n== %s\n' "$title"
    "$@" || failed="$failed
FAILED: $title"
}

step "ruff" "$venv/bin/ruff" check
step "ruff format" "$venv/bin/ruff" format --check --quiet
step "mypy" "$venv/bin/mypy"
if command -v npm >/dev/null && [ -d web/node_modules ]; then
    step "page" "$venv/bin/python" scripts/hatch_build.py
    step "TypeScript" npm --prefix web --silent run check
    step "vitest" npm --prefix web --silent test
else
    skipped="$skipped
SKIPPED: the page's own tests, because Node.js is not installed"
fi
CHROMIUM=$(sh scripts/chromium.sh) && export CHROMIUM
[ -n "$CHROMIUM" ] || skipped="$skipped
SKIPPED: browser tests, because no Chromium is installed"
step "pytest" "$venv/bin/python" -m pytest "$@"

printf '\n== result%s%s\n' "$skipped" "$failed"
[ -z "$failed" ] && echo "All that ran passed." && exit 0
exit 1
