"""ModelKeeper: save and load models, and apply them to other images and folders."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import ref

from psygnal import Signal

from napari_pixel_mixtures.certainty import Certainty
from napari_pixel_mixtures.folder import TABLES, FolderStep, Outcome, folder_steps
from napari_pixel_mixtures.model import Model
from napari_pixel_mixtures.script import to_python

from .label_features import pixel_size
from .layers import level_data
from .messages import report
from .result import Result, check_result
from .source import N_COLORS
from .worker import Request, Runner, Step

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from napari.layers import Image, Layer

    from napari_pixel_mixtures.applied import Applied

    from .workspace import Workspace

OUTPUT = "classes"  # the folder within that of the images
MOST_NAMED = 3  # images that a summary names
OUTCOMES: dict[Outcome, str] = {
    "labeled": "labeled",
    "kept": "kept from an earlier run",
    "refused": "skipped",
}


@dataclass(frozen=True, eq=False)
class ApplyJob:
    """An image to label by a model, read as for a fit."""

    model: Model
    request: Request
    before: tuple[Image, ...]
    """What was chosen before, and is again if it cannot be done."""
    live = False

    @property
    def image(self) -> Image:
        """The layer that the labels belong to."""
        return self.request.image

    @property
    def title(self) -> str:
        """What is done, for the activity dock."""
        return f"Applying the model to {self.image.name}"

    def steps(self) -> Generator[Step, None, tuple[Applied, float]]:
        """Label it; also tell which share of the pixels is none of the classes."""
        request, model = self.request, self.model
        yield Step(self.title, 0.0)
        picture = request.cache.picture(request.source)
        yield Step(self.title, 0.3)
        applied = model.apply(picture, request.mask)
        share = 0.0
        if model.threshold is not None:
            certainty = Certainty(applied.clustering, applied.material)
            unlikely = certainty.unlikely(model.threshold).sum()
            share = float(unlikely / applied.clustering.pixel_counts.sum())
        return applied, share


@dataclass(frozen=True, eq=False)
class FolderJob:
    """A folder of images to label by a model."""

    model: Model
    folder: Path
    output: Path
    scale: tuple[float, ...] | None
    unit: str
    live = False

    @property
    def title(self) -> str:
        """What is done, for the activity dock."""
        return f"Applying the model to {self.folder.name}"

    def steps(self) -> Generator[Step, None, tuple[FolderStep, ...]]:
        """Label all images."""
        yield Step(f"{self.title}...", 0.0)
        steps = folder_steps(
            self.model, self.folder, self.output, scale=self.scale, unit=self.unit
        )
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                found: tuple[FolderStep, ...] = stop.value
                return found
            yield Step(
                f"{self.title}: {step.number} of {step.total}, {step.path.name}",
                step.number / step.total,
            )


class ModelKeeper:
    """Keeps the workspace's model for later, and uses models that were kept.

    Parameters
    ----------
    workspace : Workspace
    """

    stepped = Signal(object)  # Step
    finished = Signal(str)  # what came of it, in words

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = ref(workspace)
        self.runner = Runner()
        self.runner.stepped.connect(self.stepped.emit)
        self.runner.succeeded.connect(self._on_succeeded)
        self.runner.failed.connect(self._on_failed)

    @property
    def workspace(self) -> Workspace:
        """The workspace."""
        workspace = self._workspace()
        assert workspace is not None
        return workspace

    def model(self) -> Model:
        """Give the model of the last result: classes, threshold and segments as well.

        Raises
        ------
        ValueError
            Nothing was clustered.
        """
        workspace = self.workspace
        result = check_result(workspace.result)
        return Model.of(
            result.clustering,
            result.all_classes,
            result.threshold,
            workspace.segments.settings.wanted,
        )

    def python(self) -> str:
        """Give lines of Python that give the same labels in napari's console.

        Raises
        ------
        ValueError
            Nothing was clustered, or it was not fitted but made by a model.
        """
        workspace = self.workspace
        result = check_result(workspace.result)
        clustering = result.clustering
        source = result.source
        companions = {
            layer.name: companion_text(layer)
            for layer in workspace.images()
            if layer.name in source.companions
        }
        arrays = [array_text(layer) for layer in source.layers]
        image, head = arrays[0], ""
        if len(arrays) > 1:
            image = f"numpy.stack([{', '.join(arrays)}], axis=-1)"
            head = "import numpy\n\n"
        return head + to_python(
            clustering,
            result.classes,
            result.threshold,
            image=image,
            companions=companions,
            regions=workspace.segments.settings.wanted,
        )

    def save(self, path: str | Path) -> None:
        """Write the model to a JSON file.

        Raises
        ------
        OSError
            The file cannot be written.
        ValueError
            Nothing was clustered.
        """
        self.model().save(path)
        self.finished.emit(f"The model was saved to {Path(path).name}.")

    def load(self, path: str | Path) -> None:
        """Read a model from a file, and label the current image by it.

        Raises
        ------
        OSError
            The file cannot be read.
        ValueError
            It is no model, or no image is open.
        """
        self.apply(Model.load(path))

    def apply(self, model: Model, image: Image | Sequence[Image] | None = None) -> None:
        """Label an image, or several as its channels, by a model, in the background.

        By default the current one.

        Raises
        ------
        ValueError
            No image is open, or several are not channels of one.
        """
        workspace = self.workspace
        before = workspace.choice.layers
        if image is not None:
            workspace.set_image(image)
        try:
            job = ApplyJob(model, workspace.request(), before)
        except (TypeError, ValueError):
            self._choose_again(before)
            raise
        self.stepped.emit(Step(f"{job.title}...", 0.0))
        self.runner.start(job)

    def apply_to_folder(self, folder: str | Path) -> None:
        """Label all images of a folder by the current model, in the background.

        Labels and tables come into a folder of their own within it. Pixels are taken
        to be of the size of those of the current image.

        Raises
        ------
        ValueError
            Nothing was clustered.
        """
        result = check_result(self.workspace.result)
        scale, unit = pixel_size(result.image, result.clustering.labels.shape)
        path = Path(folder)
        job = FolderJob(self.model(), path, path / OUTPUT, scale, unit)
        self.stepped.emit(Step(f"{job.title}...", 0.0))
        self.runner.start(job)

    def cancel(self) -> None:
        """Stop; what was written to a folder stays, and the next run goes on there."""
        if self.runner.busy:
            job = self.runner.job
            self.runner.cancel()
            text = "Cancelled; layers stay as they are."
            if isinstance(job, ApplyJob):
                self._choose_again(job.before)
            else:
                text = "Stopped; the same folder and model go on where it stopped."
            self.finished.emit(text)

    def forget(self, image: Layer) -> None:
        """Drop what is computed of an image that was removed."""
        job = self.runner.job
        if isinstance(job, ApplyJob) and image in job.request.source.layers:
            self.runner.cancel()
            self.finished.emit(f"The image {image.name!r} was removed.")

    def _on_succeeded(self, job: ApplyJob | FolderJob, found: Any) -> None:
        if isinstance(job, FolderJob):
            self.finished.emit(summary(job, found))
            return
        applied, share = found
        image, model = job.image, job.model
        if not job.request.source.current:
            self.finished.emit(
                f"The image {image.name!r} was changed meanwhile, so the labels were "
                "dropped; apply the model again."
            )
            return
        segments = self.workspace.segments
        on = model.regions is not None
        segments.adopt(replace(segments.settings, on=on, **(model.regions or {})))
        self.workspace.adopt(
            Result(
                job.request.source,
                applied.clustering,
                job.request.mask,
                classes=model.classes,
                quantile=share,
                threshold=model.threshold,
            )
        )
        classes = model.classes
        n, with_none = len(classes.labels), ""
        if model.threshold is not None:
            n += 1
            with_none = f" with {classes.name(classes.none_of_these)!r}"
        self.finished.emit(
            f"{image.name} was labeled by the model: {n} class{'es' * (n != 1)}"
            f"{with_none}; nothing was fitted."
        )

    def _on_failed(self, job: ApplyJob | FolderJob, error: Exception) -> None:
        if isinstance(job, ApplyJob):
            self._choose_again(job.before)
        self.finished.emit(str(error))
        report(error)

    def _choose_again(self, layers: tuple[Image, ...]) -> None:
        """Choose what was chosen before, unless some of it is gone by now."""
        if layers and set(layers) <= set(self.workspace.images()):
            with suppress(ValueError):  # channels that were moved apart since
                self.workspace.set_image(layers)


def array_text(layer: Image) -> str:
    """Say in Python how to get at what is clustered of a layer of the viewer."""
    text = f"viewer.layers[{layer.name!r}].data"
    if not layer.multiscale:
        return text
    data = level_data(layer)
    level = next(i for i, found in enumerate(layer.data) if found is data)
    return f"{text}[{level}]"


def companion_text(layer: Image) -> str:
    """Say the same of another image of the same pixels, whose alpha is left out."""
    text = array_text(layer)
    opaque = not layer.rgb or level_data(layer).shape[-1] == N_COLORS
    return text if opaque else f"{text}[..., :{N_COLORS}]"


def summary(job: FolderJob, steps: tuple[FolderStep, ...]) -> str:
    """Say in a sentence what was done with the images of a folder.

    Examples
    --------
    >>> from napari_pixel_mixtures import cluster
    >>> fitted = cluster([[0, 1, 0, 9], [1, 0, 8, 9]], n_components=2)
    >>> model = Model.of(fitted, regions={"min_size": 50, "contrast": 0})
    >>> job = FolderJob(model, Path("images"), Path("images/classes"), None, "pixel")
    >>> steps = FolderStep(1, 2, Path("a.png"), "labeled"), FolderStep(
    ...     2, 2, Path("b.png"), "refused", "Expected three channels, got 2."
    ... )
    >>> print(summary(job, steps))
    2 images: 1 labeled, 1 skipped (b.png: Expected three channels, got 2.); \
labels, segments and tables are in images/classes, all tables in tables.csv. In the \
segments pieces of fewer than 50 pixels were dealt out to their neighbors.
    """
    counts = Counter(step.outcome for step in steps)
    said = [
        f"{counts[outcome]} {text}"
        for outcome, text in OUTCOMES.items()
        if counts[outcome]
    ]
    refused = [step for step in steps if step.outcome == "refused"]
    if refused:
        names = [f"{step.path.name}: {step.message}" for step in refused[:MOST_NAMED]]
        more = len(refused) - MOST_NAMED
        names += [f"and {more} more"] if more > 0 else []
        said[-1] += f" ({'; '.join(names)})"
    n, regions = len(steps), job.model.regions
    made = "labels and tables" if regions is None else "labels, segments and tables"
    text = (
        f"{n} image{'s' * (n != 1)}: {', '.join(said)}; {made} are in {job.output}, "
        f"all tables in {TABLES}."
    )
    smoothed = [] if regions is None else smoothed_text(**regions)
    return f"{text} In the segments {', and '.join(smoothed)}." if smoothed else text


def smoothed_text(min_size: int, contrast: float) -> list[str]:
    """Say what segments have done to the labels that they are made of.

    Examples
    --------
    >>> smoothed_text(500, 3.0)[1]
    'neighbors below a contrast of 3 were merged'
    """
    said = []
    if min_size > 1:
        said.append(
            f"pieces of fewer than {min_size} pixels were dealt out to their neighbors"
        )
    if contrast > 0:
        said.append(f"neighbors below a contrast of {contrast:g} were merged")
    return said
