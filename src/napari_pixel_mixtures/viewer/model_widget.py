"""Choose the model: the widget that tries sizes and covariance types."""

from dataclasses import replace

import napari
from magicgui.widgets import ComboBox, Label, LineEdit, PushButton

from napari_pixel_mixtures.mixture.selection import CRITERIA
from napari_pixel_mixtures.model_grid import TriedModel
from napari_pixel_mixtures.recipe import Recipe

from .forms import align_labels, row, whole_numbers, wrapping
from .job_widget import JobWidget
from .model_views import ModelCurves, ModelGrid
from .workspace import workspace_of

CAUTION = (
    "Lower is better. But BIC takes pixels for independent, and neighbors are alike: "
    "on large images it favors many components, so look where the curve bends. No "
    "criterion can compare different features, only models of the same ones."
)

DISCOUNTED = (
    " Models are fitted with the influences; the criteria take their components as a "
    "plain mixture."
)
DISCOUNTED_TIP = (
    "With an influence below 1 what is fitted is no density, and has no BIC. So each "
    "model is judged by how well its components describe the pixels at influence 1; "
    "with all influences at 1 that is plain BIC, AIC and ICL."
)


class ChooseModel(JobWidget):
    """Fits mixtures of several sizes and all covariance types; a click loads one.

    Image, features and other settings are those of Cluster pixels.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        self._workspace = workspace = workspace_of(napari_viewer)
        self.sizes = LineEdit(
            label="Components",
            value="1, 2, 3, 4, 6, 8, 10",
            tooltip="Numbers of clusters to try, each with all four covariance types. "
            "Image and other settings are those of Cluster pixels.",
        )
        self.criterion = ComboBox(
            label="Curve",
            choices=[(name.upper(), name) for name in CRITERIA],
            tooltip="Which criterion the curve shows: BIC and AIC weigh likelihood "
            "against the number of parameters; ICL also wants components apart.",
        )
        self.start = PushButton(
            text="Try them", tooltip="Fit them all, the simplest first."
        )
        self.caution = wrapping(Label(value=CAUTION, tooltip=DISCOUNTED_TIP))
        self.curves = ModelCurves()
        self.grid = ModelGrid()
        super().__init__(
            "Stop; what was fitted stays.", widgets=[self.sizes, self.criterion]
        )
        align_labels(self)
        layout = self.native.layout()
        layout.setSpacing(2)
        for widget in (
            row("", self.start, self.cancel),
            self.progress,
            self.status,
            self.caution,
        ):
            layout.addWidget(widget.native)
        layout.addWidget(self.curves)
        layout.addWidget(self.grid, 1)
        self.start.changed.connect(self._start)
        self.criterion.changed.connect(lambda: self._show_models())
        for view in (self.curves, self.grid):
            view.chosen.connect(self._load_model)
        self.follow_jobs(
            workspace.sweep,
            (workspace.sweep.changed, self._show_models),
            (workspace.recipe_changed, self._show_recipe),
        )
        self._show_models()

    def _start(self) -> None:
        def start() -> None:
            sizes = whole_numbers(self.sizes.value)
            self._workspace.sweep.start(self._workspace.request(), sizes)

        self.attempt(start)

    def _load_model(self, model: TriedModel) -> None:
        """Show that very model, with image, mask and settings as it was tried."""
        workspace = self._workspace
        self.attempt(
            lambda: workspace.load(workspace.sweep.request_of(model.candidate))
        )
        self._show_recipe(workspace.recipe)  # for a click checks the cell by itself

    def _show_models(self) -> None:
        models, request = self._workspace.sweep.models, self._workspace.sweep.request
        discounted = request is not None and any(
            feature.used and feature.influence < 1
            for feature in request.recipe.features
        )
        self.caution.value = CAUTION + DISCOUNTED * discounted
        self.curves.show_models(models, self.criterion.value)
        self.grid.show_models(models)
        self._show_recipe(self._workspace.recipe)

    def _show_recipe(self, recipe: Recipe) -> None:
        """Mark the model that the recipe has, if it was tried."""
        request = self._workspace.sweep.request
        key = (recipe.n_components, recipe.covariance_type)
        same = request is not None and recipe == replace(
            request.recipe, n_components=key[0], covariance_type=key[1]
        )
        self.grid.mark(key if same else None)
