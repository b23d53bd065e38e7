"""Files that are there as a whole, or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all, also where others write it as well.

    Raises
    ------
    OSError
        It cannot be written; a file that is there already is left as it is.
    """
    part = path.with_name(f"{path.name}.{uuid4().hex[:12]}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
