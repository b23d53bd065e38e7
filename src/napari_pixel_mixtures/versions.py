"""Versions of the packages that a result depends on."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import version

PACKAGES = (
    *("napari-pixel-mixtures", "numpy", "scipy", "scikit-learn", "scikit-image"),
    "numba",
)


def installed_versions() -> dict[str, str]:
    """Give the versions of Python and the packages that a result depends on."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    python = ".".join(map(str, sys.version_info[:3]))
    return {"python": python} | {name: version(name) for name in PACKAGES}
