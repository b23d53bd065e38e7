"""Run a fit in the background: progress, cancel, late results dropped."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.utils import progress
from psygnal import Signal
from superqt.utils import GeneratorWorker

from ..clustering import Clustering, cluster_steps
from .layers import read_picture

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari.layers import Image
    from numpy.typing import NDArray

    from ..mixture.estimator import Iteration
    from ..recipe import Recipe


@dataclass(frozen=True, eq=False)
class Request:
    """All that one fit needs, taken from the widgets and layers beforehand.

    Attributes
    ----------
    image : Image
        The layer that the result belongs to; the worker never touches it.
    data : array
        What the layer held.
    rgb : bool
        Whether the last axis of the data is color.
    recipe : Recipe
    mask : ndarray (*spatial), optional
    """

    image: Image
    data: Any
    rgb: bool
    recipe: Recipe
    mask: NDArray[Any] | None = None

    def steps(self) -> Generator[Iteration, None, Clustering]:
        """Read the picture and cluster it, yielding each iteration."""
        picture = read_picture(self.data, self.rgb)
        return (yield from cluster_steps(picture, self.recipe, self.mask))


@dataclass(frozen=True, eq=False)
class _Failure:
    """An exception on its way to the main thread."""

    error: Exception


class FitRunner:
    """Runs one fit at a time; starting another cancels the one before.

    All signals are emitted in the main thread.
    """

    iterated = Signal(object)  # Iteration
    succeeded = Signal(object, object)  # Request, Clustering
    failed = Signal(object, object)  # Request, Exception

    def __init__(self) -> None:
        self._number = 0
        self._worker: GeneratorWorker[Any, Any, Any] | None = None
        self._progress: progress | None = None
        self.request: Request | None = None

    @property
    def busy(self) -> bool:
        """Whether a fit is running."""
        return self.request is not None

    def start(self, request: Request) -> None:
        """Start a fit; the one that is running, if any, is dropped."""
        self.cancel()
        self.request = request
        worker = GeneratorWorker(_guarded, request)
        worker.yielded.connect(partial(self._on_yielded, self._number))
        worker.returned.connect(partial(self._on_returned, self._number))
        self._worker = worker
        self._progress = progress(
            total=request.recipe.max_iter, desc=f"Cluster {request.image.name}"
        )
        worker.start()

    def cancel(self) -> None:
        """Stop the running fit within one iteration, and forget it at once."""
        self._number += 1
        if self._worker is not None:
            self._worker.quit()
        self._finish()

    def _finish(self) -> None:
        self._worker = None
        self.request = None
        if self._progress is not None:
            self._progress.close()
            self._progress = None

    def _on_yielded(self, number: int, iteration: Iteration) -> None:
        if number == self._number:
            if self._progress is not None:
                self._progress.update(iteration.number - self._progress.n)
            self.iterated.emit(iteration)

    def _on_returned(self, number: int, outcome: Clustering | _Failure) -> None:
        if number != self._number:
            return
        request = self.request
        self._finish()
        if isinstance(outcome, _Failure):
            self.failed.emit(request, outcome.error)
        else:
            self.succeeded.emit(request, outcome)


def _guarded(
    request: Request,
) -> Generator[Iteration, None, Clustering | _Failure]:
    """Run the fit; an exception becomes a result.

    Otherwise Qt's worker would raise it again from inside the event loop, and
    never finish after a RuntimeError.
    """
    try:
        return (yield from request.steps())
    except Exception as error:  # noqa: BLE001
        return _Failure(error)
