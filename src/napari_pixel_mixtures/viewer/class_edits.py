"""ClassEdits: the classes of the last result, their layer, what is known of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from psygnal import Signal

from napari_pixel_mixtures.classes import Classes, none_label
from napari_pixel_mixtures.tables import class_table, merge_rows

from .class_facts import CERTAINTY, LIKELY_MOMENTS, MOMENTS, TREE, FactsJob
from .class_layer import make_classes, update_classes
from .label_features import class_features, pixel_size, with_moments
from .messages import report
from .rest import Rest
from .result import check_result
from .result_labels import like
from .worker import Runner

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Image, Labels
    from numpy.typing import NDArray

    from napari_pixel_mixtures.certainty import Certainty
    from napari_pixel_mixtures.clusters import Clustering
    from napari_pixel_mixtures.overlap import MergeTree

    from .result import Result
    from .stage import Stage
    from .workspace import Workspace


REST_MS = 500  # milliseconds after which a new fit is looked into: others may follow


class ClassEdits:
    """Makes classes of the components of the workspace's result.

    Every edit gives the workspace a result with other classes, so that one undo
    takes back edits and fits in their order.

    Parameters
    ----------
    workspace : Workspace
    viewer : ViewerModel
    stage : Stage
    """

    changed = Signal()  # classes, threshold, or what is known of them
    failed = Signal(object)  # an exception, while something was found out

    def __init__(self, workspace: Workspace, viewer: ViewerModel, stage: Stage) -> None:
        self._workspace = ref(workspace)
        self._viewer = ref(viewer)
        self._stage = stage
        self._layers: WeakKeyDictionary[Image, Labels] = WeakKeyDictionary()
        self._shown: WeakKeyDictionary[Labels, Classes] = WeakKeyDictionary()
        self._table: pd.DataFrame | None = None
        self._labels: NDArray[np.uint8] | None = None  # of classes, if there are any
        self._result: Result | None = None
        self._facts: dict[str, Any] = {}
        self._wanted: set[str] = set()
        self._asked = False  # whether somebody waits for means and deviations
        self._step: str | None = None  # what the edit under way is called
        self._rest = Rest(REST_MS, self._on_rest)
        self.runner = Runner()
        self.runner.succeeded.connect(self._on_found)
        self.runner.failed.connect(self._on_failed)

    # ---- what there is

    @property
    def result(self) -> Result | None:
        """The result whose classes can be edited; None if there is none."""
        result = self._result
        return result if result is not None and result.current else None

    @property
    def tree(self) -> MergeTree | None:
        """In which order components melt into classes; None if not known yet."""
        return self._facts.get(TREE)

    @property
    def certainty(self) -> Certainty | None:
        """How likely each pixel is; None if not known yet."""
        return self._facts.get(CERTAINTY)

    @property
    def detailed(self) -> bool:
        """Whether the table has means and standard deviations."""
        return self._moments is not None

    @property
    def _moments(self) -> pd.DataFrame | None:
        result = self._result
        plain = result is None or result.threshold is None
        return self._facts.get(MOMENTS if plain else LIKELY_MOMENTS)

    def layer(self, image: Image) -> Labels | None:
        """Give the layer of classes of an image; None if it has none."""
        viewer, layer = self._viewer(), self._layers.get(image)
        shown = viewer is not None and layer is not None and layer in viewer.layers
        return layer if shown else None

    def component_labels(self) -> NDArray[np.uint8]:
        """Labels of components, K + 1 where a pixel is none of these."""
        result = self._result
        assert result is not None
        if result.threshold is None or self.certainty is None:
            return result.clustering.labels
        return self.certainty.labels(result.threshold)

    def name_at(self, clustering: Clustering, pixel: int) -> str | None:
        """Name of the class of a pixel, by its flat index, if there are classes.

        None if nobody made any, or of another clustering.
        """
        result, labels = self.result, self._labels
        if result is None or labels is None or result.clustering is not clustering:
            return None
        return result.all_classes.name(int(labels.reshape(-1)[pixel]))

    def table(self) -> pd.DataFrame:
        """Give a row for each class; neighbors in the merge tree stand together.

        Means and standard deviations are there if they are known: see `detailed`.
        """
        if self._table is None:
            self._table = self._measured()
        return self._table

    def _measured(self) -> pd.DataFrame:
        result = self._result
        assert result is not None
        clustering, known = result.clustering, self.certainty is not None
        scale, unit = pixel_size(result.image, clustering.labels.shape)
        components = class_table(
            clustering,
            Classes.of(clustering),
            result.threshold if known else None,
            scale,
            unit,
            certainty=self.certainty,
            features=False,
        )
        if self._moments is not None:
            components = with_moments(components, self._moments)
        table = merge_rows(components, result.all_classes)
        if self.tree is None:
            return table
        places = {label: i for i, label in enumerate(self.tree.order)}
        last = len(places)
        order = sorted(
            range(len(table)), key=lambda i: places.get(int(table["label"][i]), last)
        )
        return table.iloc[order].reset_index(drop=True)

    # ---- edits

    def edit(self, classes: Classes, step: str | None = None) -> None:
        """Take other classes.

        Parameters
        ----------
        classes : Classes
            Of the result's components.
        step : str, optional
            Edits of the same step, one after another, are undone together, such as
            those while a slider is dragged.

        Raises
        ------
        ValueError
            There is no result of the image as it is.
        """
        self._take(replace(check_result(self.result), classes=classes), step)

    def cut(self, n_classes: int, step: str | None = None) -> None:
        """Merge components along the merge tree until so many classes are left.

        Raises
        ------
        ValueError
            There is no result of the image as it is.
        """
        result, tree = check_result(self.result), self.tree
        assert tree is not None
        self.edit(tree.cut(result.all_classes, n_classes), step)

    def set_quantile(self, quantile: float, step: str | None = None) -> None:
        """Put the least likely share of the pixels into none of the classes.

        Raises
        ------
        ValueError
            No label is left for them, or there is no result of the image as it is.
        """
        result = check_result(self.result)
        if quantile > 0:
            none_label(result.clustering.n_components)
        self._take(self._with_threshold(result, quantile), step)

    def end_step(self) -> None:
        """End what is undone together."""
        self._step = None

    def _with_threshold(self, result: Result, quantile: float) -> Result:
        threshold = None
        if quantile > 0 and self.certainty is not None:
            threshold = self.certainty.threshold(quantile)
        return replace(result, quantile=quantile, threshold=threshold)

    def _take(self, result: Result, step: str | None) -> None:
        workspace = self._workspace()
        assert workspace is not None
        goes_on = step is not None and step == self._step
        self._step = step
        workspace.take_classes(result, amend=goes_on)

    def carried(self, result: Result, numbered: bool = False) -> Result:
        """Give a new result the classes of the one before, if they fit it.

        They do where it has as many components of the same picture; these get the
        numbers that most of their pixels had before, unless they are `numbered` so.
        """
        before = self._result
        if before is None or before.image is not result.image or result.edited:
            return result
        clustering = result.clustering
        same = (
            before.edited
            and before.clustering.n_components == clustering.n_components
            and before.clustering.labels.shape == clustering.labels.shape
        )
        if not same:
            return result
        if not numbered:
            clustering = clustering.matched(before.clustering.labels)
        classes = before.classes
        if classes is not None:
            classes = classes.carried(before.clustering, clustering)
        return replace(
            result, clustering=clustering, classes=classes, quantile=before.quantile
        )

    # ---- what is found out in the background

    def want(self, *facts: str) -> None:
        """Find out these `FACTS`, now and of later results."""
        self._wanted.update(facts)
        self._find()

    def measure(self) -> None:
        """Find out means and standard deviations at once, without a rest before."""
        self._asked = True
        self._find(moments=True)

    @property
    def busy(self) -> bool:
        """Whether something is being found out, or soon will be."""
        return self.runner.busy or self._rest.waiting

    def close(self) -> None:
        """Find out nothing any more."""
        self._rest.stop()
        self.runner.cancel()

    def _on_rest(self) -> None:
        workspace = self._workspace()
        # Nobody asked for means and deviations yet: they leave the processor to a fit.
        self._find(moments=workspace is not None and not workspace.runner.busy)

    def _find(self, moments: bool = False) -> None:
        """Find out what is wanted; means and deviations last, and mostly after a rest.

        They are found apart: a failure takes nothing else with it.
        """
        self._rest.stop()
        workspace, result = self._workspace(), self.result
        if workspace is None or result is None:
            return
        wanted = {*self._wanted, *([CERTAINTY] if result.has_none else [])}
        missing = self._missing(*(n for n in (CERTAINTY, TREE) if n in wanted))
        if not missing:
            likely = () if result.threshold is None else (LIKELY_MOMENTS,)
            missing = self._missing(MOMENTS, *likely)
            if missing and not moments:
                self._rest.start()
                return
        job = self.runner.job
        if missing and (job is None or not job.covers(result, missing)):
            self.runner.start(FactsJob(result, missing, workspace.gather))

    def _missing(self, *facts: str) -> tuple[str, ...]:
        return tuple(name for name in facts if name not in self._facts)

    def _on_failed(self, job: FactsJob, error: Exception) -> None:
        wanted = self._asked or {CERTAINTY, TREE} & {*job.wanted}
        self._asked = False
        report(error, quiet=not wanted)
        self.failed.emit(error)

    def _on_found(self, job: FactsJob, found: dict[str, Any]) -> None:
        result = self._result
        if result is None or job.result.clustering is not result.clustering:
            return
        if job.result.threshold != result.threshold:
            found.pop(LIKELY_MOMENTS, None)
        self._facts |= found
        if found.keys() <= {MOMENTS, LIKELY_MOMENTS}:
            self._asked = False
            self._describe(result)
            return
        workspace = self._workspace()
        if result.quantile > 0 and CERTAINTY in found and workspace is not None:
            if self.certainty is not None and result.threshold is None:
                result = self._with_threshold(result, result.quantile)
            workspace.take_classes(result, amend=True)
            return
        self._show(result)
        self._find()

    # ---- what is shown

    def set_result(self, result: Result | None) -> None:
        """Take another result, or another state of it."""
        before, self._result = self._result, result
        if result is None or before is None:
            self._facts = {}
        elif before.clustering is not result.clustering:
            self._facts = {}
            self._step = None
        elif before.threshold != result.threshold:
            self._facts.pop(LIKELY_MOMENTS, None)
        job = self.runner.job
        if job is not None and (
            result is None or job.result.clustering is not result.clustering
        ):
            self.runner.cancel()
        if result is None:
            self._labels = None
            self.changed.emit()
            return
        self._show(result)
        if before is None or before.clustering is not result.clustering:
            self._rest.start()
        else:
            self._find()

    def _describe(self, result: Result) -> None:
        """Tell layers and widgets that means and deviations are known."""
        workspace, layer = self._workspace(), self.layer(result.image)
        self._table = None
        if layer is not None:
            layer.features = class_features(self.table(), result)
        if workspace is not None and MOMENTS in self._facts:
            workspace.labels.describe(result, self._facts[MOMENTS])
        self.changed.emit()

    def _show(self, result: Result) -> None:
        """Bring the layer up to date, and tell the widgets."""
        viewer, workspace = self._viewer(), self._workspace()
        assert workspace is not None
        scales = workspace.labels.scales(result, result.threshold)
        layer = self.layer(result.image)
        stays = result.edited and like(layer, result.image, scales)
        if layer is not None and not stays:
            assert viewer is not None
            viewer.layers.remove(layer)
            layer = None
        self._table = self._labels = None
        classes = result.all_classes
        if result.edited:
            self._labels = labels = classes.apply(self.component_labels())
            if layer is None:
                layer = make_classes(result, labels, self.table(), scales)
                self._layers[result.image] = layer
                self._stage.add_behind(layer, result.image)
            else:
                before = self._shown.get(layer)
                table = self.table()
                update_classes(layer, viewer, result, labels, table, scales, before)
            self._shown[layer] = classes
        self.changed.emit()
