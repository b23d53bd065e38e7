"""How sure?: maps as layers on demand, and a threshold."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from napari.layers import Image
from numpy.testing import assert_allclose, assert_array_equal

from napari_pixel_mixtures import Certainty, Model, stability
from napari_pixel_mixtures.viewer import certainty_jobs, worker
from napari_pixel_mixtures.viewer.certainty_widget import HowSure
from napari_pixel_mixtures.viewer.layers import is_image, is_ours
from napari_pixel_mixtures.viewer.workspace import workspace_of


@pytest.fixture
def workspace(model):
    return workspace_of(model)


@pytest.fixture
def result(fit, model):
    return fit(model, n_components=3)


@pytest.fixture
def widget(model, on_screen):
    widget = HowSure(model)
    on_screen(widget.native, 460, 300)
    return widget


MAPS = {
    "largest posterior": lambda c: c.largest_posterior(),
    "entropy": lambda c: c.entropy(),
    "log-density": lambda c: c.log_density(),
}


@pytest.mark.parametrize("kind", MAPS)
def test_a_map_is_a_layer_over_the_image(widget, result, model, click, idle, kind):
    image = model.layers["bands"]
    image.scale = (2.0, 3.0)
    click(widget.maps[kind])
    idle(model)
    layer = model.layers[f"bands {kind}"]
    assert isinstance(layer, Image)
    assert is_ours(layer) and not is_image(layer)
    assert_allclose(layer.data, MAPS[kind](Certainty(result.clustering)))
    assert_array_equal(layer.scale, image.scale)
    low, high = layer.contrast_limits
    assert low < high
    assert widget.status.value.startswith(f"{kind.capitalize()} of bands: ")
    assert not widget.cancel.enabled
    # Asked again, it is brought up to date where it is.
    image.scale = (1.0, 1.0)
    layer.data = np.zeros_like(layer.data)
    click(widget.maps[kind])
    idle(model)
    assert model.layers[f"bands {kind}"] is layer
    assert_allclose(layer.data, MAPS[kind](Certainty(result.clustering)))
    assert_array_equal(layer.scale, image.scale)
    assert len([found for found in model.layers if kind in found.name]) == 1


def test_the_posterior_of_a_component(widget, result, model, click, idle):
    assert widget.component.max == 3
    widget.component.value = 2
    click(widget.posterior)
    idle(model)
    expected = Certainty(result.clustering).posterior(2)
    assert_allclose(model.layers["bands posterior 2"].data, expected)
    assert model.layers["bands posterior 2"].contrast_limits == [0.0, 1.0]


def test_stability_over_seeds(widget, result, model, click, idle):
    widget.refits.value = 3
    click(widget.stability)
    idle(model)
    expected = stability(result.clustering, 3).agreement
    assert_array_equal(model.layers["bands stability"].data, expected)
    assert "of the labels agree on average" in widget.status.value


def test_nothing_to_map_is_one_sentence(widget, click, said):
    sentence = (
        "Expected a clustered image, but none was clustered yet; press Fit in Cluster "
        "pixels."
    )
    for button in (widget.maps["entropy"], widget.posterior, widget.stability):
        click(button)
        assert widget.status.value == sentence
    assert said() == [("error", sentence)] * 3


@pytest.fixture
def held(monkeypatch):
    """Hold stability until an event is set."""
    go, steps = threading.Event(), certainty_jobs.stability_steps

    def slow(*args):
        inner = steps(*args)
        step = next(inner)
        while not go.is_set():  # steps that come too fast are not told
            yield step
            go.wait(0.02)
        return (yield from inner)

    monkeypatch.setattr(certainty_jobs, "stability_steps", slow)
    yield go
    go.set()


def test_stability_can_be_cancelled(widget, result, model, click, held, qtbot):
    click(widget.stability)
    qtbot.waitUntil(lambda: "0 of 10 refits" in widget.status.value)
    assert widget.cancel.enabled
    click(widget.cancel)
    held.set()
    assert widget.status.value == "Cancelled; layers stay as they are."
    qtbot.wait(100)
    assert "bands stability" not in model.layers


def test_late_maps_are_dropped(widget, result, model, workspace, idle, fit, qtbot):
    workspace.maps.show("entropy")
    workspace.maps.runner.cancel()  # it is delivered below, after another fit
    job = certainty_jobs.MapJob(result, "entropy", 1, workspace.gather)
    other = fit(model, n_components=2)
    assert other.clustering is not result.clustering
    workspace.maps._on_succeeded(
        job, certainty_jobs.MAPS["entropy"](Certainty(result.clustering), 1)
    )
    assert "bands entropy" not in model.layers
    assert widget.status.value == (
        "There is another fit of bands by now, so the entropy was dropped; press the "
        "button again."
    )


def test_a_map_of_an_image_that_is_removed_is_dropped(
    widget, result, model, click, held, qtbot
):
    click(widget.stability)
    qtbot.waitUntil(lambda: "0 of 10 refits" in widget.status.value)
    model.layers.remove("bands")
    assert widget.status.value == "The image 'bands' was removed."
    held.set()
    qtbot.wait(100)
    assert "bands stability" not in model.layers


def test_the_threshold_follows_the_slider(widget, result, model, idle, workspace):
    assert widget.threshold.isEnabled()
    certainty = Certainty(result.clustering)
    for percent in (5.0, 12.5, 1.0):
        widget.threshold.setValue(percent)
        idle(model)
        expected = certainty.labels(certainty.threshold(percent / 100))
        assert_array_equal(model.layers["bands classes"].data, expected)
        none = result.clustering.n_components + 1
        assert 0 < np.mean(expected == none) <= percent / 100
    workspace.undo()
    assert widget.threshold.value() == 12.5
    widget.threshold.setValue(0.0)
    assert "bands classes" not in model.layers


def test_a_threshold_that_no_pixel_lies_below(
    widget, result, model, idle, workspace, click
):
    assert not widget.off.enabled
    assert not widget.below.visible
    workspace.keeper.apply(Model.of(result.clustering, threshold=-12345.678))
    idle(model)
    assert widget.threshold.value() == 0.0
    assert widget.below.value == "Below a log-density of -12,345.68: no pixel."
    assert widget.below.visible
    click(widget.off)
    assert workspace.result.threshold is None and not workspace.result.has_none
    assert not widget.off.enabled
    assert not widget.below.visible
    workspace.undo()
    assert workspace.result.threshold == -12345.678
    widget.threshold.setValue(5.0)
    found = workspace.result
    none = np.sum(model.layers["bands classes"].data == 4)
    assert widget.below.value == (
        f"Below a log-density of {found.threshold:,.2f}: {none} pixels."
    )


def test_the_threshold_is_that_of_each_new_fit(
    widget, result, model, idle, workspace, fit
):
    widget.threshold.setValue(10.0)
    idle(model)
    before = workspace.result.threshold
    workspace.set_live(True)
    workspace.set_recipe(replace(workspace.recipe, covariance_type="spherical"))
    idle(model)
    found = workspace.result
    assert found.quantile == pytest.approx(0.1)
    certainty = Certainty(found.clustering)
    assert found.threshold == certainty.threshold(found.quantile) != before
    expected = certainty.labels(found.threshold)
    assert_array_equal(model.layers["bands classes"].data, expected)


def test_maps_follow_another_fit_or_say_that_they_do_not(
    widget, result, model, workspace, idle, fit, click
):
    widget.refits.value = 1
    click(widget.stability)
    idle(model)
    for kind, label in (
        *(("largest posterior", 1), ("entropy", 1)),
        *(("posterior", 1), ("posterior", 3)),
    ):
        workspace.maps.show(kind, label)
        idle(model)
    layers = {layer.name.removeprefix("bands "): layer for layer in model.layers}
    entropy, hidden = layers["entropy"], layers["largest posterior"]
    hidden.visible = False
    entropy.contrast_limits = (0.0, 0.01)
    before = hidden.data

    other = fit(model, n_components=2)
    certainty = Certainty(other.clustering)
    assert_allclose(entropy.data, certainty.entropy())
    assert_allclose(layers["posterior 1"].data, certainty.posterior(1))
    assert entropy.contrast_limits == [0.0, 0.01]  # as they were set by hand
    assert hidden.data is before
    assert {name: layers[name].name.removeprefix("bands ") for name in layers} == {
        name: name + " (earlier fit)"
        if name in ("largest posterior", "posterior 3", "stability")
        else name
        for name in layers
    }
    assert widget.status.value == (
        "Stability of bands is that of an earlier fit; press its button to "
        "compute it anew."
    )
    hidden.visible = True
    idle(model)
    assert_allclose(hidden.data, certainty.largest_posterior())
    assert hidden.name == "bands largest posterior"

    # The earlier clustering comes back, and with it what was left as it was.
    workspace.undo()
    assert layers["stability"].name == "bands stability"
    assert layers["posterior 3"].name == "bands posterior 3"
    assert entropy.name == "bands entropy (earlier fit)"
    idle(model)
    assert entropy.name == "bands entropy"
    assert_allclose(entropy.data, Certainty(result.clustering).entropy())


def test_a_map_that_nobody_needs_any_more_is_not_waited_for(
    widget, result, model, workspace, idle, fit, click, qtbot, monkeypatch
):
    """The earlier clustering comes back while a map of the later one is computed."""
    click(widget.maps["entropy"])
    idle(model)
    go, inner = threading.Event(), certainty_jobs.MAPS["entropy"]

    def slow(*args):
        assert go.wait(60)
        return inner(*args)

    monkeypatch.setitem(certainty_jobs.MAPS, "entropy", slow)
    monkeypatch.setattr(worker, "LIVE_INTERVAL", 0.0)
    workspace.set_recipe(replace(workspace.recipe, n_components=2))
    workspace.fit()
    qtbot.waitUntil(lambda: widget.cancel.enabled)
    assert widget.status.value == "Computing the entropy of bands"
    workspace.undo()
    assert not widget.cancel.enabled
    assert widget.progress.value == 0
    assert widget.status.value == "There is another fit of bands by now."
    go.set()
    idle(model)
    assert_allclose(
        model.layers["bands entropy"].data, Certainty(result.clustering).entropy()
    )


def test_a_map_that_cannot_follow_stays_marked(
    widget, result, model, workspace, idle, fit, said, monkeypatch
):
    workspace.maps.show("entropy")
    idle(model)

    def refuse(*args):
        raise ValueError("Expected what never came.")

    monkeypatch.setitem(certainty_jobs.MAPS, "entropy", refuse)
    fit(model, n_components=2)
    assert widget.status.value == "Expected what never came."
    assert "bands entropy (earlier fit)" in model.layers
    assert said() == []  # nobody asked for it
