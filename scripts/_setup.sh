# Sourced by test.sh and demo.sh: brings what they need on a fresh Debian.
# Afterwards the working directory is the repository, and $python has the plugin.
# shellcheck shell=sh

set -eu
cd -- "$(dirname -- "$0")/.."

stop() {
    printf '%s\n' "$@" >&2
    exit 1
}

[ "$(uname)" = Linux ] || stop \
    "This script is for Linux. On macOS and Windows, use the pip lines in README.md."

# ---- system packages: what Qt and OpenGL need, and a display if there is none

is_installed() {
    # Since Ubuntu 24.04 some libraries have t64 at the end of their names.
    for name in "$1" "$1t64"; do
        case $(dpkg-query --show --showformat='${Status}' "$name" 2>/dev/null) in
            *" installed") return 0 ;;
        esac
    done
    return 1
}

packages="libegl1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1
    libxcb-shape0 libdbus-1-3 libfontconfig1 libglib2.0-0"
[ -n "${DISPLAY:-}" ] || packages="xvfb xauth $packages"

base_python=${PYTHON:-python3}
command -v "$base_python" >/dev/null || packages="python3 $packages"
if [ ! -x .venv/bin/python ] && ! "$base_python" -c 'import ensurepip' 2>/dev/null; then
    packages="python3-venv $packages"
fi

missing=
if command -v dpkg-query >/dev/null; then
    for package in $packages; do
        is_installed "$package" || missing="$missing $package"
    done
elif [ -z "${DISPLAY:-}" ] && ! command -v xvfb-run >/dev/null; then
    stop "xvfb-run is missing. Install what your system has for these packages of" \
        "Debian's:" "    $(echo $packages)"
fi
if [ -n "$missing" ]; then
    if [ "$(id -u)" -ne 0 ]; then
        stop "Missing system packages:$missing" "Install them with" \
            "    sudo apt-get update" \
            "    sudo apt-get install --no-install-recommends$missing"
    fi
    echo "== installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update </dev/null
    # shellcheck disable=SC2086
    apt-get install -y --no-install-recommends $missing </dev/null
fi

# ---- Python packages, in .venv

"$base_python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || stop \
    "Python 3.11 or newer is needed, $base_python is $("$base_python" -V 2>&1)." \
    "Name another one with PYTHON=/path/to/python3 sh $0"

python=.venv/bin/python
if [ ! -x "$python" ]; then
    echo "== making .venv"
    rm -rf .venv
    if ! "$base_python" -m venv .venv; then
        rm -rf .venv  # a half-made one would be taken for a whole one next time
        stop "$base_python cannot make a virtual environment; see above."
    fi
fi
# Installed again only after a change of pyproject.toml or a move of the directory.
{ pwd && cat pyproject.toml; } >.venv/wanted
if ! cmp -s .venv/wanted .venv/installed; then
    echo "== installing the plugin and its test tools into .venv; this takes minutes"
    # Of what is installed a small part is imported; Python compiles that when it is.
    "$python" -m pip install --disable-pip-version-check --quiet --no-compile \
        -e '.[test]' </dev/null
    mv .venv/wanted .venv/installed
fi

# Run a command with a display: the one there is, else one in memory.
with_display() {
    if [ -n "${DISPLAY:-}" ]; then
        "$@"
    else
        xvfb-run --auto-servernum --server-args='-screen 0 1280x800x24' "$@"
    fi
}
