"""An image -> a matrix of samples. This room knows numpy, scipy and scikit-image.

Every module here is imported, so that a new kind of feature is one file in this
folder: it registers itself. The names below are a convenience for the kinds that
come with the plugin.
"""

from importlib import import_module
from pkgutil import iter_modules

from .base import Feature
from .cache import FeatureCache, values_at
from .color import Channel, Color
from .color_spaces import HSV, Lab, LCh, LinearRGB, YCbCr
from .companion import Companion
from .expression import Expression
from .gabor import GaborEnergy
from .picture import Picture
from .position import AnchorDistance, Position
from .samples import SCALINGS, FeatureGroup, Samples, influences
from .tensors import Hessian, StructureTensor
from .texture import Blur, DifferenceOfGaussians, GradientMagnitude, LocalDeviation

__all__ = [
    "HSV",
    "SCALINGS",
    "AnchorDistance",
    "Blur",
    "Channel",
    "Color",
    "Companion",
    "DifferenceOfGaussians",
    "Expression",
    "Feature",
    "FeatureCache",
    "FeatureGroup",
    "GaborEnergy",
    "GradientMagnitude",
    "Hessian",
    "LCh",
    "Lab",
    "LinearRGB",
    "LocalDeviation",
    "Picture",
    "Position",
    "Samples",
    "StructureTensor",
    "YCbCr",
    "influences",
    "values_at",
]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
