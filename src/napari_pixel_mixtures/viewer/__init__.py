"""The only room that knows napari and Qt."""

from .console import cluster_layer, show_cloud

__all__ = ["cluster_layer", "show_cloud"]
