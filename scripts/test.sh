#!/bin/sh
# Run all checks; arguments go on to pytest. Without a display they run under Xvfb,
# as they do with one and DISPLAY= sh scripts/test.sh

. "$(dirname -- "$0")/_setup.sh"

# Qt's offscreen platform has no OpenGL, and windows of Wayland cannot be grabbed.
export QT_QPA_PLATFORM=xcb

failed=
check() {
    name=$1
    shift
    echo "== $name"
    "$@" </dev/null || failed="$failed${failed:+, }$name"
}

check "ruff check" "$python" -m ruff check
check "ruff format" "$python" -m ruff format --check
check "mypy" "$python" -m mypy
check "npe2 validate" "$python" -m npe2 validate --imports napari-pixel-mixtures
check "pytest" with_display "$python" -m pytest "$@"

[ -z "$failed" ] || stop "== failed: $failed"
echo "== all passed"
