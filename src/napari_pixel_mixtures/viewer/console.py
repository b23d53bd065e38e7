"""One line each in napari's console."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from sklearn.exceptions import ConvergenceWarning

from napari_pixel_mixtures.clustering import cluster
from napari_pixel_mixtures.features import Feature

from .layers import check_image
from .result import Result
from .source import Source
from .workspace import workspace_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer, Points

    from napari_pixel_mixtures.clusters import Clustering


def cluster_layer(
    viewer: ViewerModel, layer: Layer | str | None = None, **settings: Any
) -> Clustering:
    """Cluster an image layer and show the result over it.

    Two labels layers are added, or updated where they are: every pixel in its
    cluster's color, and in a random one: see `Clustering.random_colors`.

    Parameters
    ----------
    viewer : napari.Viewer
    layer : Image layer or its name, optional
        The active image by default.
    **settings
        As for `cluster`: n_components, covariance_type, features, scaling, mask,
        random_state, tol, max_iter, reg_covar.

    Returns
    -------
    Clustering

    Raises
    ------
    TypeError
        The layer is not an image, or does not hold real numbers.
    ValueError
        No image is open, or as for `cluster`.

    Examples
    --------
    >>> from napari.components import ViewerModel
    >>> from sklearn.datasets import load_sample_image
    >>> viewer = ViewerModel()  # in napari's console there is a viewer already
    >>> layer = viewer.add_image(load_sample_image("china.jpg"), name="china")
    >>> clustering = cluster_layer(viewer, n_components=3)
    >>> [layer.name for layer in viewer.layers]
    ['china', 'china random colors', 'china quantized']
    """
    workspace = workspace_of(viewer)
    if isinstance(layer, str):
        layer = viewer.layers[layer]
    image = check_image(workspace.image if layer is None else layer)
    if "channel_axis" in settings:
        raise ValueError(
            "Expected no channel_axis, for the channels of a layer lie along its axis "
            f"labeled 'c', got channel_axis={settings['channel_axis']!r}; set "
            "axis_labels of the layer."
        )
    source = Source.of(image, others=viewer.layers, needed=_companions(**settings))
    with warnings.catch_warnings():
        # The workspace says it as a notification.
        warnings.simplefilter("ignore", ConvergenceWarning)
        clustering = cluster(source.read(), **settings)
    workspace.adopt(Result(source, clustering, settings.get("mask")))
    return clustering


def show_cloud(
    viewer: ViewerModel,
    whiten: Literal["pooled"] | int | None = None,
    max_points: int = 5000,
    color_by: Literal["pixel", "cluster"] | None = None,
) -> Points:
    """Show the pixels of the last clustering as points in the viewer's 3-D view.

    Parameters
    ----------
    viewer : napari.Viewer
    whiten, max_points, color_by
        As for `color_cloud`.

    Returns
    -------
    Points layer
        Its data are the coordinates of the pixels along the axes, its affine the
        whitening; its features are each point's pixel (row and column) and label.

    Raises
    ------
    ValueError
        Nothing was clustered yet, or as for `color_cloud`.

    Examples
    --------
    >>> from napari.components import ViewerModel
    >>> from sklearn.datasets import load_sample_image
    >>> viewer = ViewerModel()  # in napari's console there is a viewer already
    >>> layer = viewer.add_image(load_sample_image("china.jpg"), name="china")
    >>> clustering = cluster_layer(viewer, n_components=3)
    >>> show_cloud(viewer, whiten="pooled").data.shape
    (5000, 3)
    """
    workspace = workspace_of(viewer)
    settings = replace(
        workspace.cloud.settings,
        whiten=whiten,
        max_points=max_points,
        color_by=color_by,
    )
    return workspace.cloud.show(settings)


def _companions(features: Any = (), **_: Any) -> set[str]:
    """Names of the layers that features read; what is no feature is refused later."""
    listed = features if isinstance(features, list | tuple) else [features]
    return {name for f in listed if isinstance(f, Feature) for name in f.companions}
