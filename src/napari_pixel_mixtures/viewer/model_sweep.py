"""ModelSweep: mixtures of several sizes and covariance types, in the background."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_pixel_mixtures.model_grid import TriedModel, model_steps
from napari_pixel_mixtures.recipe import COVARIANCE_TYPES

from .messages import report
from .thumbnails import thumbnail_pixels
from .worker import Request, Runner, Step, compiled

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from napari.layers import Image, Layer

    from napari_pixel_mixtures.mixture.selection import Candidate

PICTURE_SIZE = (96, 144)  # pixels; shown at half of it, sharp also on fine screens


@dataclass(frozen=True)
class SweepStep(Step):
    """How far the sweep is, with the models so far."""

    models: tuple[TriedModel, ...] = ()


@dataclass(frozen=True, eq=False)
class SweepJob:
    """The sizes to try on an image."""

    request: Request
    sizes: tuple[int, ...]
    live = False

    @property
    def title(self) -> str:
        """What is done, for the activity dock."""
        return f"Choosing a model of {self.image.name}"

    @property
    def image(self) -> Image:
        """The layer that the models belong to."""
        return self.request.image

    def steps(self) -> Generator[Step, None, tuple[TriedModel, ...]]:
        """Fit them all."""
        request = self.request
        picture = request.cache.picture(request.source)
        yield from compiled(self.title, picture, request.recipe, COVARIANCE_TYPES)
        fits = model_steps(
            picture,
            request.recipe,
            self.sizes,
            thumbnail_pixels(picture.shape, PICTURE_SIZE),
            request.mask,
            gather=request.cache.gather,
        )
        models: tuple[TriedModel, ...] = ()
        total = len(set(self.sizes)) * len(COVARIANCE_TYPES)
        while True:
            try:
                model = next(fits)
            except StopIteration as stop:
                found: tuple[TriedModel, ...] = stop.value
                return found
            if model is not None:
                models = (*models, model)
            text = f"{self.title}: {len(models)} of {total} fitted"
            yield SweepStep(text, len(models) / total, models=models)


class ModelSweep:
    """Fits mixtures of several sizes and all covariance types to one image."""

    stepped = Signal(object)  # Step
    changed = Signal()  # other models
    finished = Signal(str)  # what came of it, in words

    def __init__(self) -> None:
        self.request: Request | None = None
        """What the models were fitted to."""
        self.models: tuple[TriedModel, ...] = ()
        self.runner = Runner()
        self.runner.stepped.connect(self._on_stepped)
        self.runner.succeeded.connect(self._on_succeeded)
        self.runner.failed.connect(self._on_failed)

    def start(self, request: Request, sizes: Sequence[int]) -> None:
        """Fit in the background; models of before are forgotten."""
        job = SweepJob(request, tuple(sizes))
        self._set(request, ())
        self.stepped.emit(Step(f"{job.title}...", 0.0))
        self.runner.start(job)

    def request_of(self, candidate: Candidate) -> Request:
        """Ask for the labels of one of the models, as it was fitted.

        Raises
        ------
        ValueError
            The image holds other data by now.
        """
        request = self.request
        assert request is not None  # for there are models
        if not request.source.current:
            raise ValueError(
                f"Expected {request.image.name!r} as it was when these models were "
                "tried, got other data; press Try them again."
            )
        recipe = replace(
            request.recipe,
            n_components=candidate.n_components,
            covariance_type=candidate.covariance_type,
        )
        title = f"Loading a model of {request.source.title}"
        return replace(request, title=title, recipe=recipe, mixture=candidate.mixture)

    def cancel(self) -> None:
        """Cancel the fits; the models so far stay."""
        if self.runner.busy:
            self.runner.cancel()
            self.finished.emit("Cancelled; what was fitted stays.")

    def forget(self, image: Layer) -> None:
        """Let go of an image, or a channel, that was removed."""
        if self.request is not None and image in self.request.source.layers:
            self.runner.cancel()
            self._set(None, ())
            self.finished.emit(f"The image {image.name!r} was removed.")

    def _set(self, request: Request | None, models: tuple[TriedModel, ...]) -> None:
        self.request, self.models = request, models
        self.changed.emit()

    def _on_stepped(self, step: Step) -> None:
        if isinstance(step, SweepStep) and len(step.models) > len(self.models):
            self._set(self.request, step.models)
        self.stepped.emit(step)

    def _on_succeeded(self, job: SweepJob, models: tuple[TriedModel, ...]) -> None:
        image = job.image
        if not job.request.source.current:
            self._set(None, ())
            self.finished.emit(
                f"The image {image.name!r} was changed meanwhile, so the models were "
                "dropped; press Try them again."
            )
            return
        self._set(job.request, models)
        self.finished.emit(
            f"{len(models)} models of {image.name}; click one to load it."
        )

    def _on_failed(self, job: SweepJob, error: Exception) -> None:
        self.finished.emit(str(error))
        report(error)
