"""Tell the user that something went wrong."""

from __future__ import annotations

from napari.utils.notifications import notification_manager, show_error


def report(error: Exception, quiet: bool = False) -> None:
    """Show what is wrong with the input as one sentence, if not `quiet`.

    Other errors are faults of the program, and show with their traceback.
    """
    if not isinstance(error, (TypeError, ValueError, MemoryError)):
        notification_manager.receive_error(type(error), error, error.__traceback__)
    elif not quiet:
        show_error(str(error))
