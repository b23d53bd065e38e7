"""Steps of a user without a plan in the docks that work on a clustering."""

from qtpy.QtCore import Qt

from napari_pixel_mixtures.viewer.class_table_view import NAME

NAMES = ["stone", "sky", "", "a, b", " ", "Gräser"]
AXES = ["y x", "t y x", "x y", "y", "", "z q", "c y x"]


class DockSteps:
    """A part of `Walk`, which has the viewer and the random numbers.

    Buttons that open a modal dialog are left out: Recolor, Export, Save, Load and
    Apply to folder.
    """

    # ---- Cluster pixels

    def do_choose_a_preset(self):
        preset = self.widget("Cluster pixels").features.preset
        preset.value = self.pick(preset.choices)

    do_choose_a_preset.weight = 0.7

    def do_set_the_segments(self):
        form = self.widget("Cluster pixels").segments
        act = self.random.integers(3)
        if act == 0:
            form.on.native.click()
        elif act == 1:
            form.min_size.value = int(self.random.integers(1, 300))
        else:
            form.contrast.value = float(self.random.integers(0, 9))

    do_set_the_segments.weight = 1.5

    def do_choose_a_mask(self):
        field = self.widget("Cluster pixels").mask
        field.value = self.pick(field.choices)

    do_choose_a_mask.weight = 1.5

    def do_name_the_axes(self):
        field = self.widget("Cluster pixels").axes
        field.value = self.pick(AXES)
        field.native.editingFinished.emit()

    do_name_the_axes.weight = 0.5

    # ---- Classes

    def do_edit_classes(self):
        widget = self.widget("Classes")
        model, table = widget.table_model, widget.table
        labels = [model.label(row) for row in range(model.rowCount())]
        table.select_labels([each for each in labels if self.random.random() < 0.5])
        self.press(
            self.pick(
                [widget.merge, widget.split, widget.hide_them] * 2
                + [widget.split_all]
                + [widget.undo, widget.redo]
            )
        )

    do_edit_classes.weight = 3.0

    def do_cut_the_tree(self):
        slider = self.widget("Classes").slider
        if slider.isEnabled():
            slider.setValue(int(self.random.integers(1, slider.maximum() + 1)))

    do_cut_the_tree.weight = 1.5

    def do_name_a_class(self):
        model = self.widget("Classes").table_model
        columns = range(model.columnCount())
        names = [
            model.index(row, column)
            for row in range(model.rowCount())
            for column in columns
            if model.headerData(column, Qt.Orientation.Horizontal) == NAME
        ]
        cell = self.pick(names)
        if cell is not None and model.flags(cell) & Qt.ItemFlag.ItemIsEditable:
            model.setData(cell, self.pick(NAMES))

    def do_show_details(self):
        self.widget("Classes").details.native.click()

    do_show_details.weight = 0.5

    # ---- How sure?

    def do_ask_how_sure(self):
        widget = self.widget("How sure?")
        act = self.random.integers(4)
        if act == 0:
            widget.refits.value = int(self.random.integers(1, 3))
            self.press(widget.stability)
        elif act == 1:
            widget.component.value = int(self.random.integers(widget.component.max)) + 1
            self.press(widget.posterior)
        elif act == 2:
            self.press(self.pick(widget.maps.values()))
        else:
            self.press(widget.cancel)

    do_ask_how_sure.weight = 2.0

    def do_set_the_threshold(self):
        threshold = self.widget("How sure?").threshold
        if threshold.isEnabled():
            threshold.setValue(float(self.pick([0, 0.5, 3, 20])))

    # ---- Keep and apply

    def do_keep_or_apply(self):
        widget = self.widget("Keep and apply")
        if widget.image.choices:
            widget.image.value = self.pick(widget.image.choices)
        self.press(self.pick([widget.copy, widget.apply, widget.apply, widget.cancel]))

    do_keep_or_apply.weight = 1.5
