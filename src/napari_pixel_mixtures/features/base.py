"""Feature: what is measured at every pixel. One frozen class for each kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import Field, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from .checks import fraction, not_negative, yes_or_no

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from .part import Part
    from .picture import Picture


INFLUENCE_TIP = (
    "How much this feature counts, for every covariance type: 1 is the plain mixture, "
    "0 gives the labels without the feature. It is an exponent on the feature's part "
    "of each component's likelihood, so that in between its evidence is discounted."
)


def setting(default: Any, title: str, tip: str, **options: Any) -> Any:
    """Declare a setting of a feature, and how a form shows it.

    Parameters
    ----------
    default : object
        Its type tells what a form asks for.
    title, tip : str
        Its name in a form, and what it does.
    **options
        Bounds `min`, `max`, `step`, or `choices`, as in magicgui; `among` names
        choices that depend on the picture: "companions".
    """
    return field(default=default, metadata={"label": title, "tooltip": tip, **options})


@dataclass(frozen=True, repr=False)
class Feature(ABC):
    """One kind of measurement at every pixel: its settings and its weight.

    A new kind is one subclass with a `kind` of its own; defining it registers it,
    and menus and forms are built from what it declares: `title`, `tip`, and the
    fields that were made by `setting`.

    Attributes
    ----------
    weight : float
        Factor on all columns of the feature, after scaling; 0 leaves it out.
    influence : float
        How much the feature counts: the exponent on its factor of each component's
        density, from 0, clusters are what they are without the feature, to 1, the
        plain mixture.
    on : bool
        Whether it takes part; a feature that is off keeps its settings.

    Notes
    -----
    The columns of the features stand in the order of falling influence, and the
    density of component k is written by the chain rule as the product of the
    features' conditional densities,

        p(x | k) = p(x_1 | k) p(x_2 | x_1, k) p(x_3 | x_1, x_2, k) ...

    With influences b the fit maximizes

        sum_pixels log sum_k weights_k prod_g p(x_g | x_1 .. x_(g-1), k) ** b_g

    by an exact EM, see `FastGaussianMixture`. A `weight`, in contrast, is only felt
    by spherical mixtures: the others adapt to any factor on a column.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    """What menus call it."""
    tip: ClassVar[str]
    """What it is for, in a sentence."""
    registry: ClassVar[dict[str, type[Feature]]] = {}
    pixelwise: ClassVar[bool] = False
    """Whether a pixel's values decide the feature, wherever the pixel lies."""

    weight: float = field(default=1.0, kw_only=True)
    influence: float = field(
        default=1.0,
        kw_only=True,
        metadata={
            "label": "Influence",
            "tooltip": INFLUENCE_TIP,
            "min": 0.0,
            "max": 1.0,
            "step": 0.05,
        },
    )
    on: bool = field(default=True, kw_only=True)

    def __init_subclass__(cls) -> None:
        """Register the kind; a class without one is what kinds have in common."""
        if "kind" in vars(cls):
            Feature.registry[cls.kind] = cls

    def __post_init__(self) -> None:
        """Check weight, influence, and whether it is on; numpy's become Python's.

        JSON and lines of Python cannot hold values of numpy's.
        """
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, np.generic):
                object.__setattr__(self, f.name, value.item())
        weight = not_negative(f"the weight of {self.kind}", self.weight)
        object.__setattr__(self, "weight", weight)
        influence = fraction(f"the influence of {self.kind}", self.influence)
        object.__setattr__(self, "influence", influence)
        object.__setattr__(self, "on", yes_or_no(f"whether {self.kind} is on", self.on))

    def __repr__(self) -> str:
        """Write the call that makes the feature, without what is left as it is."""
        settings = [
            f"{f.name}={value!r}"
            for f in fields(self)
            if (value := getattr(self, f.name)) != f.default
        ]
        return f"{type(self).__name__}({', '.join(settings)})"

    @property
    def used(self) -> bool:
        """Whether it takes part in the mixture."""
        return self.on and self.weight > 0 and self.influence > 0

    @classmethod
    def settings(cls) -> tuple[Field[Any], ...]:
        """Give the fields that were made by `setting`: what is the kind's own."""
        common = {f.name for f in fields(Feature)}
        return tuple(
            f for f in fields(cls) if "label" in f.metadata and f.name not in common
        )

    def with_settings(self, **changes: Any) -> Self:
        """Give the feature with some settings changed, as a form does.

        Raises
        ------
        ValueError
            A setting is out of its range.
        """
        return replace(self, **changes)

    @property
    def measurement(self) -> Self:
        """The same feature, on and without weight and influence: computed once."""
        return replace(self, weight=1.0, influence=1.0, on=True)

    @property
    def companions(self) -> tuple[str, ...]:
        """Names of the other images that it reads: see `Picture.companions`."""
        return ()

    @abstractmethod
    def names(self, picture: Picture) -> tuple[str, ...]:
        """Name of each column."""

    @abstractmethod
    def compute(
        self, picture: Picture, pixels: NDArray[np.intp] | None
    ) -> NDArray[Any]:
        """Measure the picture, before scaling and weight.

        Parameters
        ----------
        picture : Picture
        pixels : ndarray (n,) or None
            Flat indices of the pixels to measure; None for all.

        Returns
        -------
        ndarray (n, d)
            Pixels with a NaN or an infinity get label 0.

        Raises
        ------
        ValueError
            The picture is not of the kind that can be measured so.
        """

    def fixed(self, picture: Picture) -> Self:
        """Give the feature as it is on this picture, also for other pictures.

        What a kind draws from the picture it measures, such as random places, is
        then a setting.
        """
        return self

    @property
    def reach(self) -> int:
        """How many pixels away a pixel still counts."""
        return 0

    def for_part(self, part: Part) -> tuple[Feature, float] | None:
        """Give the feature as it measures the same on a finer level of the picture.

        Returns
        -------
        feature : Feature
        gain : float
            What its values are to be multiplied by.

        None if it says nothing of other pixels than those of the picture.
        """
        return (self, 1.0) if self.pixelwise else None

    def to_json(self) -> dict[str, Any]:
        """Give the kind and the settings as plain JSON types."""
        return {"kind": self.kind} | {
            f.name: getattr(self, f.name) for f in fields(self)
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Feature:
        """Make a feature from what `to_json` gave.

        Raises
        ------
        ValueError
            The kind or a setting is unknown, or a setting is out of its range.
        """
        if not isinstance(data, dict):
            raise ValueError(
                f"Expected a feature as its kind and settings, got {data!r:.80}."
            )
        settings = dict(data)
        kind = settings.pop("kind", None)
        if not isinstance(kind, str) or kind not in Feature.registry:
            raise ValueError(
                f"Expected a feature of a kind among {sorted(Feature.registry)}, got "
                f"{kind!r:.80}; it may come from a newer version."
            )
        feature = Feature.registry[kind]
        known = {f.name for f in fields(feature)}
        if unknown := sorted(settings.keys() - known):
            raise ValueError(
                f"Expected the settings {sorted(known)} for {kind}, got {unknown}; "
                "it may come from a newer version."
            )
        return feature(**settings)
