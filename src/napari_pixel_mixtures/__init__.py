"""Cluster the pixels of an image with Gaussian mixtures in napari, and see why.

The public names are loaded on first use, so that importing the package is
cheap: napari imports it at every start.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .ablation import feature_effects
    from .certainty import Certainty, stability
    from .classes import Classes
    from .cloud import ColorCloud, color_cloud
    from .clustering import cluster
    from .clusters import Clustering
    from .features import (
        HSV,
        AnchorDistance,
        Blur,
        Channel,
        Color,
        Companion,
        DifferenceOfGaussians,
        Expression,
        GaborEnergy,
        GradientMagnitude,
        Hessian,
        Lab,
        LCh,
        LinearRGB,
        LocalDeviation,
        Picture,
        Position,
        StructureTensor,
        YCbCr,
    )
    from .folder import apply_to_folder
    from .mixture import FastGaussianMixture, whitening_transform
    from .model import Model
    from .overlap import merge_tree
    from .recipe import Recipe
    from .script import to_python
    from .tables import class_table
    from .viewer import cluster_layer, show_cloud

__version__ = "0.1.0"

_HOMES = {
    "AnchorDistance": "features",
    "Blur": "features",
    "Channel": "features",
    "Certainty": "certainty",
    "Classes": "classes",
    "Clustering": "clusters",
    "Color": "features",
    "ColorCloud": "cloud",
    "Companion": "features",
    "DifferenceOfGaussians": "features",
    "Expression": "features",
    "FastGaussianMixture": "mixture",
    "GaborEnergy": "features",
    "GradientMagnitude": "features",
    "HSV": "features",
    "Hessian": "features",
    "LCh": "features",
    "Lab": "features",
    "LinearRGB": "features",
    "LocalDeviation": "features",
    "Picture": "features",
    "Position": "features",
    "Recipe": "recipe",
    "StructureTensor": "features",
    "YCbCr": "features",
    "Model": "model",
    "apply_to_folder": "folder",
    "class_table": "tables",
    "cluster": "clustering",
    "cluster_layer": "viewer",
    "color_cloud": "cloud",
    "feature_effects": "ablation",
    "merge_tree": "overlap",
    "show_cloud": "viewer",
    "stability": "certainty",
    "to_python": "script",
    "whitening_transform": "mixture",
}

__all__ = [
    "HSV",
    "AnchorDistance",
    "Blur",
    "Certainty",
    "Channel",
    "Classes",
    "Clustering",
    "Color",
    "ColorCloud",
    "Companion",
    "DifferenceOfGaussians",
    "Expression",
    "FastGaussianMixture",
    "GaborEnergy",
    "GradientMagnitude",
    "Hessian",
    "LCh",
    "Lab",
    "LinearRGB",
    "LocalDeviation",
    "Model",
    "Picture",
    "Position",
    "Recipe",
    "StructureTensor",
    "YCbCr",
    "apply_to_folder",
    "class_table",
    "cluster",
    "cluster_layer",
    "color_cloud",
    "feature_effects",
    "merge_tree",
    "show_cloud",
    "stability",
    "to_python",
    "whitening_transform",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
