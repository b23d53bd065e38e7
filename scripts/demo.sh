#!/bin/sh
# Open napari on china.jpg, clustered, with the color cloud. Without a display, or with
# --screenshots FOLDER, write screenshots instead. --theme light is another look.

. "$(dirname -- "$0")/_setup.sh"

if [ -z "${DISPLAY:-}" ]; then
    case " $* " in
        *" --screenshots"*) ;;
        *) set -- --screenshots demo "$@" ;;
    esac
    export QT_QPA_PLATFORM=xcb
    echo "== no display: writing screenshots"
fi
with_display "$python" scripts/demo.py "$@"
