"""JobWidget: what widgets that start long jobs have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container, Label, ProgressBar, PushButton

from .docks import settle_in
from .forms import follow, thin, wrapping
from .messages import report

if TYPE_CHECKING:
    from collections.abc import Callable

    from psygnal import SignalInstance

    from .worker import Step


class JobWidget(Container[Any]):
    """A button to cancel, how far a job is, and what came of it in words.

    Parameters
    ----------
    cancel_tip : str
        What is left after a press on *Cancel*.
    **settings
        As for a Container.
    """

    def __init__(self, cancel_tip: str, **settings: Any) -> None:
        self.cancel = PushButton(text="Cancel", tooltip=cancel_tip, enabled=False)
        self.progress = thin(ProgressBar(min=0, max=1000, value=0))
        self.status = wrapping(Label(value=""))
        super().__init__(**settings)

    def follow_jobs(
        self, jobs: Any, *links: tuple[SignalInstance, Callable[..., None]]
    ) -> None:
        """Show the steps and the end of jobs, and cancel them; also follow others.

        Parameters
        ----------
        jobs : object
            With signals `stepped` and `finished`, and a method `cancel`.
        *links
            As for `follow`.
        """
        follow(
            self,
            (jobs.stepped, self._show_step),
            (jobs.finished, self._show_end),
            *links,
        )
        settle_in(self)
        self.cancel.changed.connect(lambda: jobs.cancel())

    def attempt(self, act: Callable[[], Any]) -> Any:
        """Do it, or say in one sentence why it cannot be done, and give None."""
        try:
            return act()
        except OSError as error:
            known = error.strerror or error
            sentence: Exception = ValueError(
                f"Expected a file that can be read or written, got {known} "
                f"({error.filename}); choose another."
            )
        except (TypeError, ValueError) as error:
            sentence = error
        self.status.value = str(sentence)  # what runs goes on
        report(sentence)
        return None

    def _show_step(self, step: Step) -> None:
        self.status.value = step.text
        self.progress.value = round(1000 * step.fraction)
        self.cancel.enabled = True

    def _show_end(self, text: str) -> None:
        self.status.value = text
        self.progress.value = 0
        self.cancel.enabled = False
