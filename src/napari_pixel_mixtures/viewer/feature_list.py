"""FeatureList: the features of the recipe, one a row."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QSize
from qtpy.QtGui import QAction  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_pixel_mixtures.features import Feature

from .effects import Effects
from .feature_row import ROW_HEIGHT, FeatureRow
from .fields import added
from .forms import follow
from .preset_field import PresetField
from .thumbnails import Thumbnails

if TYPE_CHECKING:
    from napari_pixel_mixtures.recipe import Recipe

    from .workspace import Workspace

MOST_ROWS = 4  # that the list asks room for; more of them scroll
FEWEST_ROWS = 1.5  # the half tells that there are more


class FeatureList(QWidget):
    """The features of the workspace's recipe, presets, and a menu to add others.

    Parameters
    ----------
    workspace : Workspace
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self.thumbnails = thumbnails = Thumbnails(workspace)
        self.effects = effects = Effects(workspace, self)
        self.rows: list[FeatureRow] = []
        self.add = QPushButton("Add feature")
        self.add.setToolTip("Add something that is measured at every pixel.")
        self.menu = QMenu(self.add)
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.add.setMenu(self.menu)
        head = QHBoxLayout()
        head.addWidget(QLabel("Preset"))
        self.preset = PresetField(workspace.presets)
        head.addWidget(self.preset.native, 1)
        head.addWidget(self.add)
        self._inside = QWidget()
        self._rows_layout = QVBoxLayout(self._inside)
        self._rows_layout.setContentsMargins(0, 0, 0, 0)
        self._rows_layout.setSpacing(0)
        self._rows_layout.addStretch(1)
        self._scroll = _Scroll(self._inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addWidget(self._scroll)
        follow(
            self,
            (workspace.recipe_changed, self._show_recipe),
            (workspace.recipe_changed, self.preset.show_preset),
            (workspace.image_changed, self.preset.show_preset),
            (workspace.recipe_changed, thumbnails.update),
            (workspace.recipe_changed, effects.update),
            (workspace.images_changed, thumbnails.update),
            (workspace.image_changed, thumbnails.update),
            (workspace.image_changed, effects.update),
            (workspace.result_changed, thumbnails.update),
            (workspace.result_changed, effects.update),
            (workspace.status_changed, effects.update),
            (thumbnails.changed, self._show_thumbnails),
            (effects.changed, self._show_effects),
            end=self._end,
        )
        self._show_recipe(workspace.recipe)
        thumbnails.update()
        effects.update()

    def _end(self) -> None:
        self.thumbnails.close()
        self.effects.close()

    def _show_recipe(self, recipe: Recipe) -> None:
        """Show the features; a row stays where its kind does."""
        features = recipe.features
        for i, feature in enumerate(features):
            if i < len(self.rows) and type(self.rows[i].feature) is type(feature):
                self.rows[i].show_feature(feature)
                continue
            if i < len(self.rows):
                self._drop(i)
            row = FeatureRow(feature, self._among)
            row.edited.connect(partial(self._edit, row))
            row.removed.connect(partial(self._remove, row))
            self.rows.insert(i, row)
            self._rows_layout.insertWidget(i, row)
        while len(self.rows) > len(features):
            self._drop(len(features))
        self._scroll.show_rows(len(self.rows))
        self._show_thumbnails()
        self._show_effects()

    def _drop(self, index: int) -> None:
        row = self.rows.pop(index)
        row.hide()
        self._rows_layout.removeWidget(row)
        row.deleteLater()

    def _edit(self, row: FeatureRow, feature: Feature) -> None:
        recipe = self._workspace.recipe
        features = list(recipe.features)
        features[self.rows.index(row)] = feature
        self._workspace.set_recipe(replace(recipe, features=tuple(features)))

    def _remove(self, row: FeatureRow) -> None:
        recipe = self._workspace.recipe
        features = list(recipe.features)
        del features[self.rows.index(row)]
        self._workspace.set_recipe(replace(recipe, features=tuple(features)))

    def _fill_menu(self) -> None:
        """Offer every kind; those of one family stand together."""
        self.menu.clear()
        families: dict[type, list[type[Feature]]] = {}
        for kind in Feature.registry.values():
            families.setdefault(kind.__mro__[1], []).append(kind)
        for i, family in enumerate(families.values()):
            if i > 0:
                self.menu.addSeparator()
            for kind in family:
                recipe = added(self._workspace.recipe, kind, self._among())
                action = QAction(kind.title, self.menu)
                action.setEnabled(recipe is not None)
                action.setToolTip(
                    "It is in the list already." if recipe is None else kind.tip
                )
                action.triggered.connect(partial(self._add, kind))
                self.menu.addAction(action)

    def _add(self, kind: type[Feature], _: bool = False) -> None:
        recipe = added(self._workspace.recipe, kind, self._among())
        if recipe is not None:
            self._workspace.set_recipe(recipe)

    def _among(self) -> dict[str, list[str]]:
        """Give the choices that depend on the picture."""
        return {"companions": self._workspace.choice.companions()}

    def _show_thumbnails(self) -> None:
        for row in self.rows:
            row.show_thumbnail(self.thumbnails.of(row.feature))

    def _show_effects(self) -> None:
        for row in self.rows:
            similarity = self.effects.of(row.feature)
            text = ""
            if similarity is not None:
                text = "-" if math.isnan(similarity) else f"{similarity:.2f}"
            row.show_effect(text)


class _Scroll(QScrollArea):
    """Scrolls rows, and asks for the room of a few."""

    def __init__(self, inside: QWidget) -> None:
        super().__init__()
        self.n_rows = 0
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidget(inside)

    def show_rows(self, n_rows: int) -> None:
        """Ask for the room of so many rows."""
        if n_rows != self.n_rows:
            self.n_rows = n_rows
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Room for all rows, up to a few."""
        shown = min(max(self.n_rows, 2), MOST_ROWS)
        return QSize(super().sizeHint().width(), shown * ROW_HEIGHT + 2)

    def minimumSizeHint(self) -> QSize:
        """Room for some rows, for the rest can be scrolled to."""
        return QSize(super().minimumSizeHint().width(), int(FEWEST_ROWS * ROW_HEIGHT))
