"""The README: its code runs as written, and it tells of every public name."""

import re
from pathlib import Path

import numpy as np

import napari_pixel_mixtures
from napari_pixel_mixtures.viewer.workspace import workspace_of

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_code_runs_in_the_console(
    model, picture, tmp_path, monkeypatch, capsys, said
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    np.save(tmp_path / "images" / "a.npy", picture)
    noise = np.random.default_rng(1).integers(0, 100, picture.shape).astype(np.uint8)
    model.layers[0].data = image = picture // 2 + noise
    names = {"viewer": model, "image": image}
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        exec(block, names)
    k = names["clustering"].n_components
    assert workspace_of(model).result.clustering.n_components == 10
    assert "bands color cloud" in model.layers
    assert 0 < np.mean(names["labels"] == k + 1) <= 0.01
    assert (tmp_path / "labels" / "a.npy.labels.tif").is_file()
    assert capsys.readouterr().out.startswith("from napari_pixel_mixtures import")
    assert said() == []


def test_every_public_name_is_in_it():
    names = set(re.findall(r"\w+", README))
    assert set(napari_pixel_mixtures.__all__) <= names
