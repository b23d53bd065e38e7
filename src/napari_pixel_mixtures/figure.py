"""comparison_figure: several clusterings of one picture, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL.Image import Image

    from .clusters import Clustering

MAX_PANEL = 640  # pixels along the longer side of a panel
GAP = 12
TITLE = 26


def comparison_figure(
    clusterings: Sequence[Clustering], shuffle_seed: int = 0
) -> Image:
    """Draw a row for each clustering: picture, quantized, random colors.

    Of a volume the middle plane is drawn.

    Parameters
    ----------
    clusterings : sequence of Clustering
        Of one picture.
    shuffle_seed : int
        Seed of the random colors.

    Returns
    -------
    PIL.Image.Image
        RGB, on white; its `save` writes a PNG.

    Raises
    ------
    ValueError
        There is no clustering.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_pixel_mixtures import cluster
    >>> image = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    >>> comparison_figure([cluster(image, k) for k in (2, 4)]).size
    (288, 208)
    """
    from PIL import Image, ImageDraw, ImageFont

    if not clusterings:
        raise ValueError("Expected at least one clustering to draw, got none.")
    rows = [_panels(clustering, shuffle_seed) for clustering in clusterings]
    height, width = rows[0][0][1].shape[:2]
    factor = min(1.0, MAX_PANEL / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    step_x, step_y = size[0] + GAP, size[1] + GAP + TITLE
    figure = Image.new(
        "RGB", (len(rows[0]) * step_x + GAP, len(rows) * step_y + GAP), "white"
    )
    draw = ImageDraw.Draw(figure)
    for i, panels in enumerate(rows):
        for j, (title, colors) in enumerate(panels):
            corner = GAP + j * step_x, GAP + i * step_y
            font = _fitting_font(ImageFont, title, size[0])
            draw.text(
                (corner[0] + size[0] / 2, corner[1] + TITLE / 2),
                title,
                "black",
                font,
                anchor="mm",
            )
            panel = Image.fromarray(np.rint(colors * 255).astype(np.uint8))
            smooth = Image.Resampling.LANCZOS if j == 0 else Image.Resampling.NEAREST
            figure.paste(panel.resize(size, smooth), (corner[0], corner[1] + TITLE))
    return figure


def _panels(
    clustering: Clustering, shuffle_seed: int
) -> list[tuple[str, NDArray[np.float64]]]:
    """Title and colors (rows, columns, 3) of each panel of a row."""
    picture = clustering.picture
    middle = tuple(n // 2 for n in picture.shape[:-2])
    labels = clustering.labels[middle]
    n_components = clustering.n_components
    noun = "component" if n_components == 1 else "components"
    return [
        # What is not a number is white, as what is not clustered.
        ("picture", np.nan_to_num(picture.to_rgb(picture.values[middle]), nan=1.0)),
        (
            f"quantized, {n_components} {noun}",
            _paint(picture.to_rgb(clustering.colors), labels),
        ),
        (
            f"random colors, {n_components} {noun}",
            _paint(clustering.random_colors(shuffle_seed), labels),
        ),
    ]


def _paint(
    colors: NDArray[np.float64], labels: NDArray[np.uint8]
) -> NDArray[np.float64]:
    palette = np.concatenate([np.ones((1, 3)), colors])
    return palette[labels]


def _fitting_font(module: Any, title: str, width: int) -> Any:
    """Load the largest font in which a title is no wider than its panel."""
    for size in range(16, 6, -1):
        font = module.load_default(size)
        if font.getlength(title) <= width:
            break
    return font
