#!/bin/sh
# Prints the path of a Chromium for the browser tests, installing Debian's where that is allowed.
# Prints nothing (and says why on stderr) where there is none: the browser tests are then skipped.
set -u
find_browser() {
    for name in "${CHROMIUM:-chromium}" chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" 2>/dev/null && return 0
    done
    return 1
}
find_browser && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium for the browser tests" >&2
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 \
        && find_browser && exit 0
fi
echo "SKIPPED: browser tests, because no Chromium is installed (Debian: apt install chromium)" >&2
exit 0
