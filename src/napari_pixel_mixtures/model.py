"""Model: a fitted mixture with all that labels other pictures as it labeled its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .applied import Applied
from .classes import Classes, none_label
from .clustering import cluster_steps, describe, mask_of
from .features import Companion, Picture
from .features.picture_checks import MOST_LISTED, as_numbers, listed
from .files import write_whole
from .json_checks import as_number
from .material import Material
from .model_json import LARGEST_FILE, from_text, to_text
from .progress import run
from .regions import region_settings
from .versions import installed_versions

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from .clusters import Clustering
    from .features import FeatureGroup
    from .mixture import FastGaussianMixture
    from .recipe import Recipe


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted mixture with all that labels other pictures as it labeled its own.

    It is what a result carries: as JSON in its layer's metadata, or in a file.

    Attributes
    ----------
    recipe : Recipe
        Features, scaling, model settings and seed: what was fitted, and how.
    groups : tuple of FeatureGroup
        The features that are used, and the factors on them; random places are those
        of the picture that was fitted.
    mixture : FastGaussianMixture
        The fitted parameters, the components in the order in which labels were
        found.
    numbering : tuple of int (K,)
        Which of these components, from 0, has label 1, 2, and so on.
    classes : Classes
        Which classes the components belong to.
    threshold : float or None
        Pixels with a lower log-density are none of the classes.
    channel_names : tuple of str (C,)
        Channels of the picture that was fitted.
    channel_axis : int or None
        Where they were.
    rgb : bool
        Whether they are red, green and blue.
    scale : tuple of float or None
        Size of a pixel of that picture along each axis; None for 1 each.
    axis_labels : tuple of str or None
        What its axes were called.
    mask : ndarray (*spatial) bool, or None
        The pixels that were fitted; None for all that are finite.
    regions : dict or None
        Settings of `Clustering.regions`, min_size and contrast, if segments are
        wanted of every picture.
    white : float or None
        What was white in integer colors: so it is in all whose type leaves it open.
    versions : dict of str to str
        Those of the packages that fitted it.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_pixel_mixtures import Model, cluster
    >>> image = np.array([[0, 1, 0, 9], [1, 0, 8, 9]])
    >>> model = Model.of(cluster(image, n_components=2))
    >>> model.apply(image + 1).labels
    array([[1, 1, 1, 2],
           [1, 1, 2, 2]], dtype=uint8)
    >>> Model.from_json(model.to_json()).digest == model.digest
    True
    """

    recipe: Recipe
    groups: tuple[FeatureGroup, ...]
    mixture: FastGaussianMixture
    numbering: tuple[int, ...]
    classes: Classes
    threshold: float | None
    channel_names: tuple[str, ...]
    channel_axis: int | None
    rgb: bool
    scale: tuple[float, ...] | None
    axis_labels: tuple[str, ...] | None
    mask: NDArray[np.bool_] | None
    regions: dict[str, Any] | None = None
    white: float | None = None
    versions: dict[str, str] = field(default_factory=installed_versions)

    @classmethod
    def of(
        cls,
        clustering: Clustering,
        classes: Classes | None = None,
        threshold: float | None = None,
        regions: Mapping[str, Any] | None = None,
    ) -> Model:
        """Take the model from a clustering.

        Parameters
        ----------
        clustering : Clustering
        classes : Classes, optional
            By default every component is a class.
        threshold : float, optional
            Pixels with a lower log-density are none of the classes; see
            `Certainty.threshold`.
        regions : mapping, optional
            What `Clustering.regions` takes, if segments are wanted as well.

        Raises
        ------
        ValueError
            The classes are those of another number of components, the threshold is
            not a finite number or no label is left for what is below it, or the
            settings of regions are out of their range.
        """
        if threshold is not None:
            threshold = as_number("the threshold", threshold)
            none_label(clustering.n_components)
        classes = Classes.of(clustering) if classes is None else classes
        if classes.n_components != clustering.n_components:
            raise ValueError(
                f"Expected classes of {clustering.n_components} components, as the "
                f"clustering has, got {classes.n_components}."
            )
        order = clustering.fitted_order
        picture = clustering.picture
        axis, ndim = picture.channel_axis, picture.values.ndim
        integers = picture.rgb and picture.values.dtype.kind in "iu"
        return cls(
            recipe=clustering.recipe,
            groups=tuple(
                replace(group, feature=group.feature.fixed(picture))
                for group in clustering.groups
            ),
            mixture=clustering.mixture.reordered(order),
            numbering=tuple(np.argsort(order).tolist()),
            classes=classes,
            threshold=threshold,
            channel_names=picture.channel_names,
            # The last axis is the last one also of pictures with more axes.
            channel_axis=-1 if axis == ndim - 1 else axis,
            rgb=picture.rgb,
            scale=picture.scale,
            axis_labels=picture.axis_labels,
            mask=mask_of(clustering),
            regions=None if regions is None else region_settings(**regions),
            white=float(picture.limits[1, 0]) if integers else None,
        )

    def __repr__(self) -> str:
        """One line; its arrays would fill the console."""
        return (
            f"Model(n_components={self.classes.n_components}, "
            f"covariance_type={self.recipe.covariance_type!r}, "
            f"channels={list(self.channel_names)}, "
            f"features={list(self.recipe.features)}, "
            f"n_classes={len(self.classes.labels)})"
        )

    # Use

    def read(self, image: ArrayLike | Picture) -> Picture:
        """Read an image as the one that was fitted.

        What an image does not say of itself, as an array cannot, is taken from the
        picture that was fitted: names of channels, scale, names of axes, and what is
        white where the type of its colors does not tell.

        Raises
        ------
        TypeError, ValueError
            As `Picture.from_array`; or the channels, axes or companions are not
            those that the model wants.
        """
        picture = image if isinstance(image, Picture) else self._as_picture(image)
        if picture.n_channels != len(self.channel_names):
            advice = "choose an image of the same kind"
            if picture.n_channels > MOST_LISTED:
                advice = (
                    "if its channels lie along another axis, give "
                    "Picture.from_array(image, channel_axis=0), or "
                    "Picture.from_channels(images) of several gray ones"
                )
            raise ValueError(
                f"Expected an image with {listed(self.channel_names, 'the channels ')}"
                f" of the model, got {listed(picture.channel_names)}; {advice}."
            )
        about: dict[str, Any] = {}
        if picture.names is None and picture.channel_names != self.channel_names:
            about["names"] = self.channel_names
        for name in ("scale", "axis_labels"):
            value = getattr(self, name)
            if value is None or getattr(picture, name) is not None:
                continue
            if len(value) != len(picture.shape):
                raise ValueError(
                    f"Expected an image with {len(value)} axes beside the channels, as "
                    f"the model's, got {len(picture.shape)}; choose an image with the "
                    "same number of axes."
                )
            about[name] = value
        if picture.guesses_white and self.white is not None:
            about["white"] = self.white
        if missing := sorted(self.companions - picture.companions.keys()):
            raise ValueError(
                f"Expected an image with the companions {missing!s:.200}, which the "
                "model measures and does not hold, got none of these; give a Picture "
                "with them in its companions."
            )
        return replace(picture, **about) if about else picture

    def _as_picture(self, image: ArrayLike) -> Picture:
        """Read an array; a gray model takes channels for no volume."""
        array = as_numbers(image)
        axis: int | Literal["auto"] | None = self.channel_axis
        if axis is None or array.ndim == 2:
            axis = "auto"
        picture = Picture.from_array(array, axis, rgb=False)
        if self.channel_axis is None and picture.n_channels > 1:
            raise ValueError(
                "Expected a gray image, as the model's, got an array of shape "
                f"{array.shape}, whose last axis looks like channels; choose a gray "
                "image, or give Picture.from_array(image, None) if it is a volume."
            )
        if self.rgb and picture.n_channels in (3, 4):
            return Picture.from_array(array, axis, rgb=True)
        return picture  # with another number of channels `read` refuses it

    @property
    def companions(self) -> set[str]:
        """Names of the other images that the features measure.

        They are pictures themselves, and so no part of the model.
        """
        used = [group.feature for group in self.groups]
        return {feature.name for feature in used if isinstance(feature, Companion)}

    def apply(
        self, image: ArrayLike | Picture, mask: ArrayLike | None = None
    ) -> Applied:
        """Label the pixels of another picture; nothing is fitted.

        Factors, places and parameters are those of the model, so that the labels of
        an image are the same alone and among others.

        Parameters
        ----------
        image : array_like or Picture
            With the same channels as the picture that was fitted.
        mask : array_like (*spatial), optional
            The pixels to label, where not 0.

        Returns
        -------
        Applied

        Raises
        ------
        TypeError, ValueError
            The image is not of the same kind, or no pixel is left.
        """
        picture = self.read(image)
        used = [group.feature for group in self.groups]
        n_columns = sum(len(feature.names(picture)) for feature in used)
        if n_columns != self.mixture.means_.shape[1]:
            raise ValueError(
                f"Expected an image with {self.mixture.means_.shape[1]} columns of "
                f"features, as the model, got {n_columns}; choose an image with the "
                "same number of axes."
            )
        valid = picture.valid(mask)
        material = Material.gather(picture, self.recipe, valid, groups=self.groups)
        found = describe(self.mixture, material, picture, self.recipe)
        return Applied(self, found.reordered(self.numbering), material)

    def replay(self, image: ArrayLike | Picture) -> Clustering:
        """Fit the picture that the model comes from again, from its recipe alone.

        Parameters
        ----------
        image : array_like or Picture
            The picture that was fitted.

        Returns
        -------
        Clustering
            The same labels bit for bit, with the same versions on the same kind of
            processor. But a model that was chosen in a sweep had another start, and
            one that was applied another picture: of these only `apply` gives the
            labels.

        Raises
        ------
        TypeError, ValueError
            The image is not of the same kind.
        """
        found = run(cluster_steps(self.read(image), self.recipe, self.mask))
        return found.reordered(self.numbering)

    # Files

    @property
    def digest(self) -> str:
        """Checksum of all that the model holds: sha256, 64 characters."""
        return sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """Write the model as JSON text."""
        return to_text(vars(self))

    @classmethod
    def from_json(cls, text: str) -> Model:
        """Read what `to_json` wrote. Nothing in the text is run.

        Raises
        ------
        ValueError
            The text is not JSON or not a model, or it was damaged.
        """
        return cls(**from_text(text))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a JSON file.

        The file is written under a temporary name first, so that a file that is
        there already is replaced as a whole or not at all.
        """
        write_whole(Path(path), self.to_json().encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """Read a model from a file that `save` wrote. Nothing in the file is run.

        Raises
        ------
        OSError
            The file cannot be read.
        ValueError
            The file is not a model, or was damaged.
        """
        path = Path(path)
        if (size := path.stat().st_size) > LARGEST_FILE:
            raise ValueError(
                f"Expected a model file of at most {LARGEST_FILE} bytes, got "
                f"{size}; choose a file that Save wrote."
            )
        try:
            text = path.read_bytes().decode()
        except UnicodeDecodeError as error:
            raise ValueError(
                f"Expected a model as JSON text, got bytes that are not text: {error}."
            ) from None
        return cls.from_json(text)
