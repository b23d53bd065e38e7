"""Tables as CSV: what a spreadsheet would run is text."""

import pandas as pd
import pytest

from napari_pixel_mixtures.csv_tables import csv_bytes, plain


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_formula_becomes_a_text(text):
    assert plain(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "sky", "'=1", "1=1", "5", "sky, blue"])
def test_other_texts_stay(text):
    assert plain(text) == text


def test_names_and_columns_are_texts_and_numbers_stay_numbers():
    table = pd.DataFrame(
        {"name": ["=1+1", "a, b"], "=2+2": [-1.5, float("nan")], "pixels": [-3, 4]}
    )
    assert csv_bytes(table).decode().splitlines() == [
        "name,'=2+2,pixels",
        "'=1+1,-1.5,-3",
        '"a, b",,4',
    ]
    assert list(table.columns) == ["name", "=2+2", "pixels"]
    assert table["name"][0] == "=1+1"


def test_what_utf_8_cannot_hold_is_written_as_its_code():
    assert csv_bytes(pd.DataFrame({"name": ["\udcff"]})) == b"name\n\\udcff\n"
