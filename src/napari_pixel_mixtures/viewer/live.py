"""LiveRunner: fits that follow a control, of which one runs and at most one waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psygnal import Signal

from .worker import Runner, Step

if TYPE_CHECKING:
    from .worker import Job


class LiveRunner(Runner):
    """A Runner whose live jobs go on until they have shown something.

    That is their preview or their result. Then the newest settings have their turn: so
    layers follow however fast a slider is dragged, and nothing queues up.
    """

    wanted = Signal()  # a live job with the settings of now

    def __init__(self) -> None:
        super().__init__()
        self._shown = False
        self.passed_by = False
        """Whether settings have changed since the running live job was started."""

    def ask(self) -> None:
        """Want a live job, now or as soon as the running one has shown something."""
        if self.busy and self.job.live and not self._shown:
            self.passed_by = True
        else:
            self.wanted.emit()

    def start(self, job: Job) -> None:
        """Start a job; the one that is running, if any, is dropped."""
        self._shown = self.passed_by = False
        super().start(job)

    def cancel(self) -> None:
        """Stop the running job, and forget that another is wanted."""
        self.passed_by = False
        super().cancel()

    def _on_told(self, number: int, step: Step) -> None:
        super()._on_told(number, step)
        if number == self._number and step.preview is not None:
            self._shown = True
            self._go_on()

    def _on_finished(self, number: int, outcome: Any) -> None:
        super()._on_finished(number, outcome)
        if not self.busy:
            self._go_on()

    def _go_on(self) -> None:
        if self.passed_by:
            self.passed_by = False
            self.wanted.emit()
