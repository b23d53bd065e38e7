"""Run a fit in the background: progress, cancel, late results dropped."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, partial
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from psygnal import Signal
from qtpy.QtCore import QObject, Qt
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]

from napari_pixel_mixtures.clustering import cluster_by, cluster_steps
from napari_pixel_mixtures.clusters import Clustering
from napari_pixel_mixtures.material_cache import MaterialCache
from napari_pixel_mixtures.mixture import warm_up

from .activity import ActivityBar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from weakref import ref

    import numpy as np
    from napari.layers import Image, Labels, Shapes
    from numpy.typing import NDArray

    from napari_pixel_mixtures.features import Picture
    from napari_pixel_mixtures.mixture import FastGaussianMixture
    from napari_pixel_mixtures.pace import Pace
    from napari_pixel_mixtures.recipe import Recipe

    from .source import Source

PATIENCE = 1.0  # seconds that a compiler has before a job says that it waits
BAR_AFTER = 1.0  # seconds before napari's activity dock, which is slow, shows a job
INTERVAL = 0.05  # seconds between the steps that are told
LIVE_INTERVAL = 0.15  # seconds before the first step of a live job is told


@dataclass(frozen=True)
class Step:
    """How far a job is, in words and from 0 to 1."""

    text: str
    fraction: float
    preview: Clustering | None = None
    """What the result will look like, roughly."""


class Job(Protocol):
    """Something to compute in the background."""

    @property
    def title(self) -> str:
        """What is done, for the activity dock."""

    @property
    def live(self) -> bool:
        """Whether the job follows a control that may still move."""

    def steps(self) -> Generator[Step, None, Any]:
        """Compute, yielding often; closing the generator cancels it."""


def compiled(
    title: str, picture: Picture, recipe: Recipe, covariance_types: tuple[str, ...]
) -> Generator[Step, None, None]:
    """Wait for the compiler, which takes long the first time on a machine."""
    n = sum(len(f.names(picture)) for f in recipe.features if f.used)
    compiling = warm_up((n,), covariance_types, picture.float_type)
    compiling.join(PATIENCE)  # which loading what was compiled before never takes
    while compiling.is_alive():
        features = "1 feature" if n == 1 else f"{n} features"
        yield Step(f"{title}: compiling for {features}, once on this machine", 0.0)
        compiling.join(2 * INTERVAL)


@dataclass(frozen=True, eq=False)
class Request:
    """All that one fit needs, taken from the widgets and layers beforehand.

    Attributes
    ----------
    source : Source
        The layers that the result belongs to, which the worker never touches, and
        what they held.
    title : str
    recipe : Recipe
    mask : ndarray (*spatial), optional
    previous : ndarray (*spatial) uint8, optional
        Earlier labels: clusters keep their numbers, and a preview comes first where
        the fit takes long.
    cache : MaterialCache
        What was measured for the fits before.
    mask_layer : weak reference to Labels or Shapes, optional
        The layer that the mask was read from.
    mixture : FastGaussianMixture, optional
        One that was fitted already: it labels the picture, and nothing is fitted.
    pace : Pace, optional
        How long the fits before took.
    """

    source: Source
    title: str
    recipe: Recipe
    mask: NDArray[Any] | None = None
    previous: NDArray[np.uint8] | None = None
    cache: MaterialCache = field(default_factory=MaterialCache)
    mask_layer: ref[Labels | Shapes] | None = None
    mixture: FastGaussianMixture | None = None
    pace: Pace | None = None

    @property
    def image(self) -> Image:
        """The layer that the result belongs to."""
        return self.source.image

    @property
    def live(self) -> bool:
        """Whether the request follows a control that may still move."""
        return self.previous is not None

    def steps(self) -> Generator[Step, None, Clustering]:
        """Read the picture and cluster it."""
        # An array may have been written to, which nothing tells.
        picture = self.cache.picture(self.source, anew=not self.live)
        yield from compiled(
            self.title, picture, self.recipe, (self.recipe.covariance_type,)
        )
        if self.mixture is not None:
            return cluster_by(
                self.mixture,
                picture,
                self.recipe,
                self.mask,
                gather=self.cache.gather,
            )
        fit = cluster_steps(
            picture,
            self.recipe,
            self.mask,
            preview=self.live,
            pace=self.pace,
            gather=self.cache.gather,
        )
        while True:
            try:
                iteration = next(fit)
            except StopIteration as stop:
                return self._numbered(stop.value)
            if isinstance(iteration, Clustering):
                yield Step(f"{self.title}: preview", 0.0, self._numbered(iteration))
                continue
            if iteration.number == 0:
                yield Step(f"{self.title}: looking for a good start", 0.0)
                continue
            yield Step(
                f"{self.title}: iteration {iteration.number}, mean log-likelihood "
                f"{iteration.log_likelihood:.4f}",
                min(1.0, iteration.number / iteration.max_iter),
            )

    def _numbered(self, clustering: Clustering) -> Clustering:
        """Let clusters keep their numbers."""
        before = self.previous
        if before is None or before.shape != clustering.labels.shape:
            return clustering
        return clustering.matched(before)


@dataclass(frozen=True, eq=False)
class SeveralRequests:
    """Fits of one image, one after another."""

    image: Image
    title: str
    requests: tuple[Request, ...]
    live = False

    def steps(self) -> Generator[Step, None, list[Clustering]]:
        """Fit them all."""
        clusterings = []
        for i, request in enumerate(self.requests):
            fit = request.steps()
            while True:
                try:
                    step = next(fit)
                except StopIteration as stop:
                    clusterings.append(stop.value)
                    break
                fraction = (i + step.fraction) / len(self.requests)
                yield Step(
                    f"{step.text} ({request.recipe.n_components} components)", fraction
                )
        return clusterings


@dataclass(frozen=True, eq=False)
class _Failure:
    """An exception on its way to the main thread."""

    error: Exception


class Runner:
    """Runs one job at a time; starting another cancels the one before.

    All signals are emitted in the main thread.
    """

    stepped = Signal(object)  # Step
    succeeded = Signal(object, object)  # the job, its result
    failed = Signal(object, object)  # the job, an exception

    def __init__(self) -> None:
        _mailbox()  # here, for it belongs to the thread that makes it
        self._number = 0
        self._stop = Event()
        self._activity = ActivityBar()
        self._started = 0.0
        self.job: Any = None
        """What is running, a Job; None while idle."""

    @property
    def busy(self) -> bool:
        """Whether a job is running."""
        return self.job is not None

    def start(self, job: Job) -> None:
        """Start a job; the one that is running, if any, is dropped."""
        self._forget()
        self.job = job
        self._started = monotonic()
        tell = partial(self._on_told, self._number)
        finish = partial(self._on_finished, self._number)
        Thread(target=_work, args=(job, self._stop, tell, finish)).start()
        self._activity.hide()

    def cancel(self) -> None:
        """Stop the running job at its next step, and forget it at once."""
        self._forget()
        self._activity.hide()

    def _forget(self) -> None:
        """Drop what the running job may still send."""
        self._number += 1
        self._stop.set()
        self._stop = Event()
        self.job = None

    def _on_told(self, number: int, step: Step) -> None:
        if number != self._number:
            return
        if monotonic() > self._started + BAR_AFTER:
            self._activity.show(self.job.title, step.fraction)
        if number == self._number:  # the bar processes events
            self.stepped.emit(step)

    def _on_finished(self, number: int, outcome: Any) -> None:
        if number != self._number:
            return
        job = self.job
        self._forget()
        number = self._number
        self._activity.hide()
        if number != self._number:  # another job was started meanwhile
            return
        if isinstance(outcome, _Failure):
            self.failed.emit(job, outcome.error)
        else:
            self.succeeded.emit(job, outcome)


def _work(
    job: Job,
    stop: Event,
    tell: Callable[[Step], None],
    finish: Callable[[Any], None],
) -> None:
    """Do a job in a thread of its own until it is stopped.

    Steps come at the pace at which a person can read them, lest thousands of short
    ones choke the event loop; a short live job tells none, for each makes the window
    draw itself anew. An exception is a result like any other.
    """
    steps = job.steps()
    told = monotonic() - INTERVAL
    if job.live:
        told += LIVE_INTERVAL
    try:
        while not stop.is_set():
            step = next(steps)
            if step.preview is not None or monotonic() >= told + INTERVAL:
                told = monotonic()
                _post(partial(tell, step))
        steps.close()
    except StopIteration as end:
        _post(partial(finish, end.value))
    except Exception as error:  # noqa: BLE001
        _post(partial(finish, _Failure(error)))


class _Mailbox(QObject):
    """Brings calls from any thread to the main thread.

    There is one, and it is never destroyed. Signals of an object for each job, as
    napari's workers have, die with the last thread to hold them, which crashes PyQt
    if their slots run in the main thread at that moment.
    """

    posted = QtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.posted.connect(self._call, Qt.ConnectionType.QueuedConnection)

    def _call(self, call: Callable[[], None]) -> None:
        call()


@cache
def _mailbox() -> _Mailbox:
    return _Mailbox()


def _post(call: Callable[[], None]) -> None:
    """Let the main thread make a call."""
    _mailbox().posted.emit(call)
