#!/bin/sh
# Run all checks; arguments go on to pytest. Without a display they run under Xvfb,
# as they do with one and DISPLAY= sh scripts/test.sh

. "$(dirname -- "$0")/_setup.sh"

# Qt's offscreen platform has no OpenGL, and windows of Wayland cannot be grabbed.
export QT_QPA_PLATFORM=xcb

# Two runs share the cores. Where both have threads of OpenMP, which spin while they
# wait, small fits of scikit-learn take twenty times as long.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

failed=
fail() {
    failed="$failed${failed:+, }$1"
}
check() {
    name=$1
    shift
    echo "== $name"
    "$@" </dev/null || fail "$name"
}

# Most tests of the viewer take about as long as all others, and run at once.
viewer="*/viewer/test_[b-r]*" others="*/viewer/test_[!b-r]*"
if [ $# -eq 0 ]; then
    output=$(mktemp)
    with_display "$python" -m pytest --ignore-glob="$viewer" </dev/null >"$output" 2>&1 &
    running=$!
fi

check "ruff check" "$python" -m ruff check
check "ruff format" "$python" -m ruff format --check
check "mypy" "$python" -m mypy
check "npe2 validate" "$python" -m npe2 validate --imports napari-pixel-mixtures

if [ $# -eq 0 ]; then
    check "pytest tests/viewer" with_display "$python" -m pytest tests/viewer \
        --ignore-glob="$others"
    echo "== pytest of all else"
    wait "$running" || fail "pytest of all else"
    cat "$output"
    rm "$output"
else
    check "pytest" with_display "$python" -m pytest "$@"
fi

[ -z "$failed" ] || stop "== failed: $failed"
echo "== all passed"
