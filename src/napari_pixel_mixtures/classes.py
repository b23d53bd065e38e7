"""Classes: which components belong together, what they are called, and their colors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import numpy as np

from .class_checks import MAX_CLASSES, as_color, as_name, as_tuple, completed
from .features.checks import whole, yes_or_no

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .class_checks import Color
    from .clusters import Clustering

NONE_OF_THESE = "none of these"
GRAY = (0.5, 0.5, 0.5)

T = TypeVar("T")


@dataclass(frozen=True)
class Classes:
    """Which class each component belongs to, with names, colors and visibility.

    Nothing changes a `Classes`; every method gives a new one, so that undo is to keep
    the one before. One component leads each class: the class has its label, name,
    color and visibility. So no class is ever renumbered, and what leaves a class
    is what it was before it came.

    Pixels that a threshold puts into none of the classes are a class of their own,
    `none_of_these`: with the label K + 1, a name, a color and visibility, but without
    components, so that it can be neither merged nor split.

    Attributes
    ----------
    leads : tuple of int (K,)
        For each component, in the order of labels, the label of its class.
    names : tuple of str (K + 1,)
        Name of each component; a class has that of its leading component. The last
        one is that of what is none of these; of K names it is added, and so are color
        and visibility. Of 255 components there is none, for no label is left.
    colors : tuple of (red, green, blue) (K + 1,)
        From 0 to 1.
    visible : tuple of bool (K + 1,)
        Whether it is shown. What is hidden stays a class.

    Raises
    ------
    ValueError
        The lengths differ, a lead does not lead itself, or a name or color is none.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_pixel_mixtures import Classes, cluster
    >>> image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    >>> clustering = cluster(image, n_components=4)
    >>> classes = Classes.of(clustering).merge(1, 3).rename(1, "sky")
    >>> classes.labels
    (1, 2, 4)
    >>> classes.members(1)
    (1, 3)
    >>> classes.apply(np.array([1, 2, 3, 4, 0], np.uint8))
    array([1, 2, 1, 4, 0], dtype=uint8)
    >>> classes.split(1).labels
    (1, 2, 3, 4)
    """

    leads: tuple[int, ...]
    names: tuple[str, ...]
    colors: tuple[Color, ...]
    visible: tuple[bool, ...]

    def __post_init__(self) -> None:
        """Check that the parts belong together; lists become tuples."""
        leads = as_tuple("leads", self.leads)
        n = len(leads)
        if not 1 <= n <= MAX_CLASSES:
            raise ValueError(
                f"Expected the leads of 1 to {MAX_CLASSES} components, got {n}."
            )
        leads = tuple(whole("a lead", lead, 1, n) for lead in leads)
        for lead in leads:
            if leads[lead - 1] != lead:
                raise ValueError(
                    f"Expected component {lead} to lead its own class, got "
                    f"{leads[lead - 1]} as its lead; give the label of a component "
                    "that leads itself."
                )
        checked = {
            "leads": leads,
            "names": tuple(
                map(as_name, completed("names", self.names, n, NONE_OF_THESE))
            ),
            "colors": tuple(map(as_color, completed("colors", self.colors, n, GRAY))),
            "visible": tuple(
                yes_or_no("visible", shown)
                for shown in completed("visible", self.visible, n, True)
            ),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, clustering: Clustering) -> Classes:
        """Make every component a class, in its mean color."""
        labels = tuple(range(1, clustering.n_components + 1))
        shown = clustering.picture.to_rgb(clustering.colors)
        return cls(
            leads=labels,
            names=tuple(f"class {label}" for label in labels),
            colors=tuple((r, g, b) for r, g, b in shown.tolist()),
            visible=(True,) * len(labels),
        )

    def carried(self, before: Clustering, after: Clustering) -> Classes:
        """Give the same classes to another clustering, of as many components.

        Components are known by their labels. A color that nobody chose, the mean
        color of its component, becomes that of the new one.

        Raises
        ------
        ValueError
            There are more or fewer components.

        Examples
        --------
        >>> import numpy as np
        >>> from napari_pixel_mixtures import Classes, cluster
        >>> image = np.array([[0, 1, 0, 9], [1, 0, 8, 9]])
        >>> before = cluster(image, n_components=2)
        >>> after = cluster(image, 2, covariance_type="spherical")
        >>> classes = Classes.of(before).rename(2, "sky")
        >>> classes.carried(before, after).name(2)
        'sky'
        """
        if after.n_components != self.n_components:
            raise ValueError(
                f"Expected a clustering of {self.n_components} components, as the "
                f"classes have, got {after.n_components}."
            )
        chosen = zip(
            self.colors,
            Classes.of(before).colors,
            Classes.of(after).colors,
            strict=True,
        )
        colors = tuple(new if own == old else own for own, old, new in chosen)
        return replace(self, colors=colors)

    # What there is

    @property
    def n_components(self) -> int:
        """Number of components, K."""
        return len(self.leads)

    @property
    def labels(self) -> tuple[int, ...]:
        """Label of each class of components, in ascending order."""
        return tuple(sorted(set(self.leads)))

    @property
    def none_of_these(self) -> int:
        """Label of the pixels that are in none of them, K + 1; see `none_label`."""
        return none_label(self.n_components)

    def members(self, label: int) -> tuple[int, ...]:
        """Labels of the components of a class, in ascending order."""
        lead = self._known(label)
        return tuple(i for i, other in enumerate(self.leads, start=1) if other == lead)

    def name(self, label: int) -> str:
        """Name of a class."""
        return self.names[self._known(label) - 1]

    def color(self, label: int) -> Color:
        """Color of a class: red, green and blue from 0 to 1."""
        return self.colors[self._known(label) - 1]

    def shown(self, label: int) -> bool:
        """Whether a class is visible."""
        return self.visible[self._known(label) - 1]

    def apply(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn labels of components, of any shape, into labels of classes.

        0 stays 0, and what is none of these stays so.

        Raises
        ------
        TypeError
            They are not of 8 bits, as those of a clustering are.
        """
        if not isinstance(labels, np.ndarray) or labels.dtype != np.uint8:
            found = getattr(labels, "dtype", type(labels).__name__)
            raise TypeError(
                f"Expected labels as an array of uint8, as a clustering has them, got "
                f"{found}; convert them with numpy.asarray(labels, numpy.uint8)."
            )
        table = np.zeros(256, np.uint8)
        table[1 : self.n_components + 1] = self.leads
        if self.n_components < MAX_CLASSES:
            table[self.none_of_these] = self.none_of_these
        # Several times faster than `table[labels]`.
        mapped = bytearray(labels.tobytes()).translate(table.tobytes())
        return np.frombuffer(mapped, np.uint8).reshape(labels.shape)

    # What can be done

    def merge(self, label: int, *others: int) -> Classes:
        """Let a class take in other classes.

        Raises
        ------
        ValueError
            There is no such class.
        """
        for one in (label, *others):
            if one not in self.leads:  # nor can what is none of these be merged
                self._refuse(one)
        lead, taken = int(label), set(others)
        leads = tuple(lead if old in taken else old for old in self.leads)
        return replace(self, leads=leads)

    def split(self, label: int, *components: int) -> Classes:
        """Let components leave their class.

        Parameters
        ----------
        label : int
            The class.
        *components : int
            Those that leave, together: the first one leads them. By default the
            class falls apart into all its components.

        Raises
        ------
        ValueError
            There is no such class, or no such component in it.

        Examples
        --------
        >>> names, black = ("a", "b", "c"), (0.0, 0.0, 0.0)
        >>> classes = Classes((1, 1, 1), names, (black,) * 3, (True,) * 3)
        >>> classes.split(1, 3, 2).leads
        (1, 3, 3)
        """
        members = self.members(label)
        leads = dict(enumerate(self.leads, start=1))
        if not components:
            leads |= {member: member for member in members}
            return replace(self, leads=tuple(leads.values()))
        for component in components:
            if component not in members:
                raise ValueError(
                    f"Expected components among {list(members)}, those of class "
                    f"{label}, got {component!r}."
                )
        leads |= {component: int(components[0]) for component in components}
        staying = [member for member in members if member not in components]
        if staying and label not in staying:
            leads |= dict.fromkeys(staying, staying[0])
        return replace(self, leads=tuple(leads.values()))

    def rename(self, label: int, name: str) -> Classes:
        """Give a class a name of 1 to 200 characters.

        Raises
        ------
        ValueError
            There is no such class, or the name is none.
        """
        return replace(self, names=self._with(self.names, label, name))

    def recolor(self, label: int, color: Sequence[float]) -> Classes:
        """Give a class a color: red, green and blue from 0 to 1.

        Raises
        ------
        ValueError
            There is no such class, or the color is none.
        """
        return replace(self, colors=self._with(self.colors, label, as_color(color)))

    def show(self, label: int, visible: bool = True) -> Classes:
        """Show a class.

        Raises
        ------
        ValueError
            There is no such class.
        """
        return replace(self, visible=self._with(self.visible, label, visible))

    def hide(self, label: int) -> Classes:
        """Hide a class; its pixels keep their label.

        Raises
        ------
        ValueError
            There is no such class.
        """
        return self.show(label, False)

    def _with(self, values: tuple[T, ...], label: int, value: T) -> tuple[T, ...]:
        index = self._known(label) - 1
        return (*values[:index], value, *values[index + 1 :])

    def _known(self, label: int) -> int:
        beyond = range(self.n_components + 1, len(self.names) + 1)
        if label not in (*self.leads, *beyond):
            self._refuse(label)
        return int(label)

    def _refuse(self, label: object) -> NoReturn:
        raise ValueError(f"Expected a class among {list(self.labels)}, got {label!r}.")

    # JSON

    def to_json(self) -> dict[str, Any]:
        """Give the classes as plain JSON types."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_json(cls, data: object) -> Classes:
        """Make classes from what `to_json` gave.

        Raises
        ------
        ValueError
            It is not that.
        """
        known = {f.name for f in fields(cls)}
        if not isinstance(data, Mapping) or data.keys() != known:
            raise ValueError(
                f"Expected classes with the fields {sorted(known)}, got {data!r:.80}."
            )
        return cls(**data)


def none_label(n_components: int) -> int:
    """Give the label of the pixels that are none of so many components.

    Raises
    ------
    ValueError
        No label is left for them.
    """
    if n_components >= MAX_CLASSES:
        raise ValueError(
            f"Expected at most {MAX_CLASSES - 1} components, for with a threshold the "
            f"pixels that are none of these have a label as well, got {n_components}."
        )
    return n_components + 1
