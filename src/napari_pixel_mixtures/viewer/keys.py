"""Keyboard shortcuts in the viewer."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from weakref import ref

    from napari.components import ViewerModel

UNDO_KEY = "Alt-Z"
REDO_KEY = "Alt-Shift-Z"


def bind_key(
    viewer: ViewerModel, key: str, owner: ref[Any], action: Callable[[Any], None]
) -> None:
    """Let a key do something, for as long as its owner lives.

    A key that the person has bound stays theirs.
    """

    # The viewer keeps this function, which must not keep the owner; it asks for the
    # name of a function.
    def act(viewer: Any) -> None:
        found = owner()
        if found is not None:
            action(found)

    with suppress(ValueError):
        viewer.bind_key(key, act)
