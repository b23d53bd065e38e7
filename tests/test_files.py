"""write_whole: a file as a whole or not at all, whoever else writes it."""

import os
from pathlib import Path

import pytest

from napari_pixel_mixtures.files import write_whole


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "a.csv"
    for content in (b"first", b"second"):
        write_whole(path, content)
        assert path.read_bytes() == content
    assert [*tmp_path.iterdir()] == [path]


def test_two_that_write_the_same_file_do_not_meet(tmp_path, monkeypatch):
    """The other one writes all of its own between this one's writing and renaming."""
    path, replace, parts = tmp_path / "a.csv", os.replace, []

    def interrupted(part, target):
        parts.append(part)
        if len(parts) == 1:
            write_whole(path, b"the other's")
            assert path.read_bytes() == b"the other's"
        replace(part, target)

    monkeypatch.setattr("os.replace", interrupted)
    write_whole(path, b"mine")
    assert path.read_bytes() == b"mine"
    assert len({*parts}) == 2
    assert {part.parent for part in parts} == {tmp_path}
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt()])
def test_nothing_is_left_of_a_file_that_cannot_be_written(tmp_path, monkeypatch, error):
    path = tmp_path / "a.csv"
    write_whole(path, b"before")

    def fail(part, target):
        assert Path(part).read_bytes() == b"after"
        raise error

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(type(error)):
        write_whole(path, b"after")
    assert [*tmp_path.iterdir()] == [path]
    assert path.read_bytes() == b"before"
