"""apply_to_folder: label all images of a folder with one model."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import imageio.v3 as imageio
import numpy as np
import tifffile

from .csv_tables import as_bytes, csv_bytes, plain
from .features import Picture
from .features.checks import positive_numbers
from .files import write_whole
from .progress import run

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from .applied import Applied
    from .model import Model

TIFF = (".tif", ".tiff")
SUFFIXES = (*TIFF, ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".npy")
SAYING_AXES = ("imagej", "ome")  # kinds of TIFF that say what their axes are
MANIFEST = "manifest.json"
TABLES = "tables.csv"

Outcome = Literal["labeled", "kept", "refused"]


@dataclass(frozen=True)
class FolderStep:
    """What was done with one image.

    Attributes
    ----------
    number, total : int
        It is the number-th of all images, from 1.
    path : Path
    outcome : {"labeled", "kept", "refused"}
        "kept" if an earlier run had labeled the same file with the same model.
    message : str
        Why it was refused; else empty.
    """

    number: int
    total: int
    path: Path
    outcome: Outcome
    message: str = ""


def apply_to_folder(
    model: Model,
    folder: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    scale: Sequence[float] | None = None,
    unit: str = "pixel",
    callback: Callable[[FolderStep], object] | None = None,
) -> tuple[FolderStep, ...]:
    """Label all images of a folder with one model.

    For each image ``a.png`` the output gets ``a.png.labels.tif``, with the classes
    as 8-bit labels, ``a.png.csv``, with their table, and if the model has settings of
    `regions` ``a.png.segments.tif``, with 32-bit labels; ``tables.csv`` has the
    tables of all images. Names that a spreadsheet would take for a formula have an
    apostrophe before them. Constants are those of the model, so that an image gets the
    same labels alone and in a folder. Files are written as a whole or not at all, and
    a run that was stopped goes on where it stopped: what the same model has made of
    the same file, by its size and time, is kept.

    Parameters
    ----------
    model : Model
    folder : path
        With images: TIFF, PNG, JPEG, BMP, GIF, WebP or npy. Folders in it are not
        looked into.
    output : path
        Another folder, made if it is not there.
    scale : sequence of float, optional
        Size of a pixel along each axis of the images, for areas.
    unit : str
        What the scale is in.
    callback : callable, optional
        Called with the `FolderStep` after each image; an exception that it raises
        ends the run.

    Returns
    -------
    tuple of FolderStep
        One for each image, by name. Images that cannot be read, are not of the
        model's kind, or whose labels cannot be written are refused, and the run goes
        on.

    Raises
    ------
    OSError
        The output cannot be made, or the tables of all images not be written.
    ValueError
        The folder is none, has no image, or is the output; a scale is not above 0;
        the model wants companions; or a table of an earlier run was damaged since.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from napari_pixel_mixtures import Model, apply_to_folder, cluster
    >>> image = np.array([[0, 1, 0, 9], [1, 0, 8, 9]])
    >>> model = Model.of(cluster(image, n_components=2))
    >>> with TemporaryDirectory() as folder:
    ...     np.save(Path(folder) / "a.npy", image)
    ...     steps = apply_to_folder(model, folder, Path(folder) / "labels")
    ...     sorted(path.name for path in (Path(folder) / "labels").iterdir())
    ['a.npy.csv', 'a.npy.labels.tif', 'manifest.json', 'tables.csv']
    >>> [step.outcome for step in steps]
    ['labeled']
    """
    steps = folder_steps(model, folder, output, scale=scale, unit=unit)
    return run(steps, callback)


def folder_steps(
    model: Model,
    folder: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    scale: Sequence[float] | None = None,
    unit: str = "pixel",
) -> Generator[FolderStep, None, tuple[FolderStep, ...]]:
    """Do what `apply_to_folder` does, yielding the step after each image.

    Closing the generator stops the run.
    """
    folder, output = Path(folder), Path(output)
    if model.companions:
        raise ValueError(
            "Expected a model of one image, for a folder has one file for each, got "
            f"one that measures the companions {sorted(model.companions)!s:.200} as "
            "well; leave out these features, or apply it in Python, picture by picture."
        )
    sizes = None if scale is None else positive_numbers(scale)
    if sizes == []:
        raise ValueError(f"Expected a scale of numbers above 0, got {scale!r:.80}.")
    paths = _images(folder, output)
    output.mkdir(parents=True, exist_ok=True)
    about = {"model": model.digest, "scale": sizes, "unit": unit}
    manifest = _Manifest.read(output, about, model.regions is not None)
    steps: list[FolderStep] = []
    for number, path in enumerate(paths, start=1):
        outcome: Outcome = "kept"
        message = ""
        try:
            state = _state(path)  # before it is read: it may be changed meanwhile
            if not manifest.holds(path, state):
                applied = model.apply(read_image(path, model))
                _write(output, path, applied, applied.table(sizes, unit))
                manifest.add(path, state)
                outcome = "labeled"
        except OSError as error:
            outcome = "refused"
            message = (
                f"Expected to read {path.name} and to write its labels, got: {error}; "
                "make room, or see whether both folders are there and open to you."
            )
        except (TypeError, ValueError) as error:
            outcome, message = "refused", str(error)
        step = FolderStep(number, len(paths), path, outcome, message)
        steps.append(step)
        yield step
    _write_tables(output, [step.path for step in steps if step.outcome != "refused"])
    return tuple(steps)


def read_image(path: Path, model: Model) -> NDArray[Any] | Picture:
    """Read an image file for a model.

    A model of several channels takes them from where an ImageJ or OME TIFF file says
    they are; arrays of all others are read as the model's own picture.

    Raises
    ------
    ValueError
        It cannot be read.
    """
    array, axes = _array_and_axes(path)
    of_channels = [axis for axis, name in enumerate(axes) if name in "CS"]
    if len(of_channels) != 1 or len(model.channel_names) == 1:
        return array
    (axis,) = of_channels
    rgb = model.rgb and array.shape[axis] in (3, 4)
    return Picture.from_array(array, axis, rgb)


def _array_and_axes(path: Path) -> tuple[NDArray[Any], str]:
    """Read an image file, and what it calls its axes: "ZCYX"; "" if it does not."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".npy":
            return np.asarray(np.load(path, allow_pickle=False)), ""
        if suffix in TIFF:
            with tifffile.TiffFile(path) as file:
                series = file.series[0]
                axes = series.axes if series.kind in SAYING_AXES else ""
                return np.asarray(series.asarray()), axes
        # By its bytes, for imageio leaves a file open that it cannot read.
        image = np.asarray(imageio.imread(path.read_bytes(), extension=suffix))
        gray_and_alpha = image.ndim == 3 and image.shape[-1] == 2
        return image[..., 0] if gray_and_alpha else image, ""
    except Exception as error:
        # Readers of damaged files raise anything; the other images are read still.
        said = str(error).partition("\n")[0].rstrip(".")
        raise ValueError(
            f"Expected an image that can be read, got {path.name}: {said}."
        ) from error


def _images(folder: Path, output: Path) -> list[Path]:
    """Give the images of a folder, by name."""
    if not folder.is_dir():
        raise ValueError(f"Expected a folder of images, got {folder}; choose another.")
    if folder.resolve() == output.resolve():
        raise ValueError(
            f"Expected another folder for the output, got that of the images, {folder}."
        )
    paths = [p for p in folder.iterdir() if p.is_file()]
    found = sorted(p for p in paths if p.suffix.lower() in SUFFIXES)
    if not found:
        raise ValueError(
            f"Expected a folder with images ({', '.join(SUFFIXES)}), got {folder} "
            "without any; choose another."
        )
    return found


def _write(output: Path, image: Path, applied: Applied, table: pd.DataFrame) -> None:
    """Write the labels, the segments if there are, and the table of an image."""
    _write_tiff(_labels_path(output, image), applied.labels)
    if applied.segments is not None:
        _write_tiff(_segments_path(output, image), applied.segments)
    write_whole(_table_path(output, image), csv_bytes(table))


def _write_tiff(path: Path, labels: NDArray[Any]) -> None:
    content = io.BytesIO()
    # Without the kind said, labels of three or four planes would become colors.
    tifffile.imwrite(content, labels, photometric="minisblack", compression="zlib")
    write_whole(path, content.getvalue())


def _labels_path(output: Path, image: Path) -> Path:
    return output / f"{image.name}.labels.tif"


def _segments_path(output: Path, image: Path) -> Path:
    return output / f"{image.name}.segments.tif"


def _table_path(output: Path, image: Path) -> Path:
    return output / f"{image.name}.csv"


class _Manifest:
    """Which images were labeled, and what with."""

    def __init__(
        self,
        output: Path,
        about: dict[str, Any],
        images: dict[str, Any],
        segmented: bool,
    ) -> None:
        self._output = output
        self._segmented = segmented
        self._about = about
        self._images = images

    @classmethod
    def read(cls, output: Path, about: dict[str, Any], segmented: bool) -> _Manifest:
        """Read what was done before, if it was done with the same model."""
        data = None
        try:
            data = json.loads((output / MANIFEST).read_bytes())
        except (OSError, ValueError, RecursionError):
            pass  # there is none, or it was damaged: all is made anew
        images = data.pop("images", None) if isinstance(data, dict) else None
        if data != about or not isinstance(images, dict):
            images = {}
        return cls(output, about, images, segmented)

    def holds(self, path: Path, state: list[int]) -> bool:
        """Say whether an image was labeled before, and still is what it was."""
        made = [_labels_path(self._output, path), _table_path(self._output, path)]
        if self._segmented:
            made.append(_segments_path(self._output, path))
        there = all(file.is_file() for file in made)
        return there and self._images.get(path.name) == state

    def add(self, path: Path, state: list[int]) -> None:
        """Note that an image was labeled."""
        images = self._images | {path.name: state}
        text = json.dumps(self._about | {"images": images}, indent=1)
        write_whole(self._output / MANIFEST, text.encode())
        self._images = images


def _state(path: Path) -> list[int]:
    """Tell a file from another version of it."""
    state = path.stat()
    return [state.st_size, state.st_mtime_ns]


def _write_tables(output: Path, images: list[Path]) -> None:
    """Write the tables of all images as one, the image in the first column.

    Columns that only some have, such as areas and volumes, stay empty in the others.
    """
    rows: list[dict[str, str]] = []
    for image in images:
        named = {"image": plain(image.name)}
        rows += [named | row for row in _read_table(_table_path(output, image))]
    text = io.StringIO()
    columns = dict.fromkeys(name for row in rows for name in row)
    if rows:
        writer = csv.DictWriter(text, [*columns], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    write_whole(output / TABLES, as_bytes(text.getvalue()))


def _read_table(path: Path) -> list[dict[str, str]]:
    """Read the rows of a table, which someone may have changed since."""
    try:
        text = path.read_text(encoding="utf-8")
        return list(csv.DictReader(io.StringIO(text, newline=""), restkey="more"))
    except (ValueError, csv.Error) as error:
        raise ValueError(
            f"Expected the tables as they were written, got {path.name} that cannot "
            f"be read: {error}; delete it, and apply the model again."
        ) from error
