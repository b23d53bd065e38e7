"""An image -> a matrix of samples. This room knows numpy, and nothing of ours."""

from .base import Feature
from .color import Color
from .picture import Picture
from .position import AnchorDistance, Position
from .samples import SCALINGS, FeatureGroup, Samples

__all__ = [
    "SCALINGS",
    "AnchorDistance",
    "Color",
    "Feature",
    "FeatureGroup",
    "Picture",
    "Position",
    "Samples",
]
