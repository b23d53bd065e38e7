"""Tables as CSV that a spreadsheet can open."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a spreadsheet knows a formula, which may do more than to compute."""


def plain(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def csv_bytes(table: pd.DataFrame) -> bytes:
    r"""Write a table as CSV in UTF-8; texts are `plain`.

    Examples
    --------
    >>> import pandas as pd
    >>> csv_bytes(pd.DataFrame({"name": ["sky", "=1+1"], "mean": [-1, 2]}))
    b"name,mean\nsky,-1\n'=1+1,2\n"
    """
    from pandas.api.types import is_numeric_dtype

    shown = table.rename(columns=plain)
    for name in shown.columns:
        if not is_numeric_dtype(shown[name]):
            shown[name] = [plain(text) for text in shown[name]]
    return as_bytes(shown.to_csv(index=False, lineterminator="\n"))


def as_bytes(text: str) -> bytes:
    """Encode as UTF-8, also what is no text, such as the name of a file may hold."""
    return text.encode(errors="backslashreplace")
