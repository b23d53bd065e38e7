"""Damaged and hostile models: one sentence, and nothing is run."""

import base64
import json
import zlib
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases import COVARIANCE_TYPES, china
from napari_pixel_mixtures import Color, Model, Position, cluster
from napari_pixel_mixtures.model_json import FIELDS, LARGEST_FILE, pack, unpack

PICTURE = china()[::16, ::16]
MASK = np.ones(PICTURE.shape[:2], bool)
MASK[:5, :7] = False
MODELS = {
    kind: Model.of(
        cluster(PICTURE, 3, kind, [Color(), Position()], mask=MASK, max_iter=500)
    )
    for kind in COVARIANCE_TYPES
}
TEXT = MODELS["full"].to_json()


def signed(data):
    """Give the text of a model whose checksum is right."""
    data = {key: value for key, value in data.items() if key != "sha256"}
    checksum = sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
    return json.dumps(data | {"sha256": checksum})


def check(text):
    """Read a text: a model that works as far as it goes, or one sentence."""
    try:
        model = Model.from_json(text)
    except ValueError as error:
        sentence = str(error)
        assert sentence.startswith("Expected ")
        assert "\n" not in sentence
        assert len(sentence) < 700
        return None
    assert Model.from_json(model.to_json()).digest == model.digest
    return model


@pytest.mark.parametrize("kind", COVARIANCE_TYPES)
def test_a_model_that_is_signed_anew_is_read(kind):
    text = MODELS[kind].to_json()
    assert Model.from_json(signed(json.loads(text))).to_json() == text


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_a_text_with_random_damage_is_refused_or_says_the_same(data):
    start = data.draw(st.integers(0, len(TEXT) - 1))
    stop = data.draw(st.integers(start, min(len(TEXT), start + 20)))
    text = TEXT[:start] + data.draw(st.text(max_size=8)) + TEXT[stop:]
    model = check(text)
    assert model is None or model.to_json() == TEXT


@given(st.integers(0, len(TEXT) - 1))
@settings(deadline=None, max_examples=50)
def test_a_text_that_breaks_off_is_refused(length):
    assert check(TEXT[:length]) is None


def test_a_model_of_version_1_is_read_and_is_one_of_version_3_from_then_on():
    model = MODELS["full"]
    data = json.loads(TEXT) | {"version": 1, "threshold": -9.5}
    del data["regions"], data["picture"]["white"]
    looks = ("names", "colors", "visible")
    data["classes"] |= {name: data["classes"][name][:3] for name in looks}
    found = Model.from_json(signed(data))
    assert found.classes == model.classes
    assert found.classes.name(4) == "none of these"
    assert found.threshold == -9.5
    assert json.loads(found.to_json())["version"] == 3


def test_a_model_of_version_2_is_read_and_knows_no_white():
    data = json.loads(TEXT) | {"version": 2}
    assert data["picture"].pop("white") == 255
    found = Model.from_json(signed(data))
    assert found.white is None
    assert json.loads(found.to_json())["version"] == 3
    wide = PICTURE.astype(np.int32)
    assert np.array_equal(found.apply(wide).labels, MODELS["full"].apply(wide).labels)


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers(-(10**30), 10**30)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


def places(value, path=()):
    """Give the path of every part of plain JSON types."""
    yield path
    parts = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    for key, part in parts:
        yield from places(part, (*path, key))


@pytest.mark.parametrize("kind", COVARIANCE_TYPES)
@given(data=st.data())
@settings(deadline=None, max_examples=100)
def test_a_hostile_model_is_refused_or_harmless(kind, data):
    """Any part may be anything, and the checksum is right."""
    content = json.loads(MODELS[kind].to_json())
    paths = sorted((p for p in places(content) if p and p[0] != "sha256"), key=str)
    *outer, last = data.draw(st.sampled_from(paths))
    target = content
    for key in outer:
        target = target[key]
    target[last] = data.draw(JUNK)
    model = check(signed(content))
    if model is not None:
        try:
            labels = model.apply(PICTURE).labels
        except ValueError as error:
            assert str(error)  # such as a picture with other channels
        else:
            assert labels.shape == PICTURE.shape[:2]


def edited(*path, value):
    content = json.loads(TEXT)
    target = content
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return signed(content)


COVARIANCES = json.loads(TEXT)["mixture"]["covariances"]
NOT_POSITIVE = [np.diag([1, 1, -1, 1, 1]).tolist(), *COVARIANCES[1:]]
NOT_SYMMETRIC = [(np.eye(5) + np.eye(5, k=1) / 2).tolist(), *COVARIANCES[1:]]
NO_COVARIANCE = (
    "Expected full covariances that are symmetric, positive-definite, got others; load "
    "another copy of the model."
)
BITS = pack(MASK)["bits"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "Expected a model as JSON text, got NoneType."),
        (
            "",
            "Expected a model in JSON, got text that is not JSON: Expecting value: "
            "line 1 column 1 (char 0).",
        ),
        ("[" * 200_000, "Expected a model in JSON, got brackets nested too deep."),
        (
            " " * (LARGEST_FILE + 1),
            "Expected a model of at most 67108864 characters, got 67108865.",
        ),
        (
            '{"threshold": NaN}',
            "Expected a model in JSON, got text that is not JSON: NaN is no number of "
            "JSON.",
        ),
        (
            "[]",
            "Expected a model with the format 'napari-pixel-mixtures model', got "
            "'[]'; choose a file that Save wrote.",
        ),
        (
            edited("regions", value={"min_size": 20}),
            "Expected the settings of regions with the fields ['contrast', "
            "'min_size'], got ['min_size'].",
        ),
        (
            edited("regions", value={"min_size": 20, "contrast": -1}),
            "Expected contrast to be a number from 0, got -1.",
        ),
        (
            edited("version", value=4),
            "Expected a model of version 3, got 4; it may come from a newer version of "
            "the plugin.",
        ),
        (
            TEXT.replace('"seed"', '"sead"').replace('"rgb": true', '"rgb": false'),
            "Expected a model as it was saved, got one that was changed since: its "
            "checksum differs; load another copy.",
        ),
        (
            edited("picture", "scale", value=[1, 0]),
            "Expected the scale to be a number from 1e-30 to 1e+30, got 0.",
        ),
        (
            edited("picture", "white", value=0),
            "Expected white to be a number from 1 to 1.84467e+19, got 0.",
        ),
        (
            edited("picture", "axis_labels", value=["y", 3]),
            "Expected an axis label of up to 1000 characters, got 3.",
        ),
        (
            edited("features", 0, "feature", "on", value=False),
            "Expected features of the model that are on, with a weight and influence "
            "above 0, got Color(on=False).",
        ),
        (
            edited("features", 0, "feature", "influence", value=0.5),
            "Expected the features of the model in the order of falling influence, got "
            "Position() after Color(influence=0.5).",
        ),
        (
            edited("recipe", "n_components", value=0),
            "Expected n_components to be a whole number from 1 to 255, got 0.",
        ),
        (
            edited("recipe", "n_components", value=2),
            "Expected weights as numbers in the shape (2,), got "
            f"{json.loads(TEXT)['mixture']['weights']!r:.80}.",
        ),
        (
            edited("features", value=[]),
            "Expected the features of the model as a list of 1 to 2000, got [].",
        ),
        (
            edited("features", 0, "factor", value=1e400),
            "Expected a model in JSON, got text that is not JSON: Infinity is no "
            "number of JSON.",
        ),
        (
            edited("features", 0, "factor", value=0),
            "Expected the factor of a feature to be a number from 1e-150 to 1e+150, "
            "got 0.",
        ),
        (
            edited("features", 0, "columns", value=2),
            "Expected means as numbers in the shape (3, 4), got "
            f"{json.loads(TEXT)['mixture']['means']!r:.80}.",
        ),
        (
            edited("mixture", "dtype", value="object"),
            "Expected parameters of type 'float32' or 'float64', got 'object'.",
        ),
        (
            edited("mixture", "weights", value=["0.5", "0.3", "0.2"]),
            "Expected weights as numbers in the shape (3,), got ['0.5', '0.3', '0.2'].",
        ),
        (
            edited("mixture", "weights", value=[0.5, 0.3, 0.3]),
            "Expected weights of components from 0 that sum to 1, got the sum 1.1 and "
            "the smallest 0.3.",
        ),
        (
            edited("mixture", "weights", value=[1e39, 0.3, 0.3]),
            "Expected finite numbers as weights, got [1e+39, 0.3, 0.3].",
        ),
        (edited("mixture", "covariances", value=NOT_POSITIVE), NO_COVARIANCE),
        (edited("mixture", "covariances", value=NOT_SYMMETRIC), NO_COVARIANCE),
        (edited("mixture", "precisions_cholesky", value=NOT_POSITIVE), NO_COVARIANCE),
        (
            edited("mixture", "precisions_cholesky", value=np.ones((3, 5, 5)).tolist()),
            NO_COVARIANCE,
        ),
        (
            edited("numbering", value=[0, 1, 1]),
            "Expected every component once in the numbering, got [0, 1, 1].",
        ),
        (
            edited("threshold", value="low"),
            "Expected the threshold to be a finite number, got 'low'.",
        ),
        (
            edited("mixture", "lower_bound", value=-(10**400)),
            f"Expected the lower bound to be a finite number, got -1{'0' * 78}.",
        ),
        (
            edited("mask", "bits", value="!"),
            "Expected the bits of a mask of shape (27, 40), got '!'.",
        ),
        (
            edited("mask", "shape", value=[2**20, 2**20]),
            "Expected the bits of a mask of shape (1048576, 1048576), got "
            f"{BITS!r:.80}.",
        ),
    ],
)
def test_what_is_wrong_is_said(text, sentence):
    with pytest.raises(ValueError) as error:
        Model.from_json(text)
    assert str(error.value) == sentence


def test_other_fields_are_refused():
    content = json.loads(TEXT)
    del content["mask"]
    with pytest.raises(ValueError) as error:
        Model.from_json(json.dumps(content))
    found = sorted(content.keys() - {"sha256"})
    assert str(error.value) == (
        f"Expected a model with the fields {sorted(FIELDS)}, got {found!r:.80}."
    )


def test_files_that_are_no_models_are_refused(tmp_path):
    path = tmp_path / "model.json"
    path.write_bytes(b"\x80\x04\x95 pickle")
    with pytest.raises(ValueError) as error:
        Model.load(path)
    assert str(error.value) == (
        "Expected a model as JSON text, got bytes that are not text: 'utf-8' codec "
        "can't decode byte 0x80 in position 0: invalid start byte."
    )
    with path.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    with pytest.raises(ValueError) as error:
        Model.load(path)
    assert str(error.value) == (
        "Expected a model file of at most 67108864 bytes, got 67108865; choose a file "
        "that Save wrote."
    )
    with pytest.raises(FileNotFoundError):
        Model.load(tmp_path / "none.json")


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=50)
def test_masks_come_back(shape, seed):
    mask = np.random.default_rng(seed).random(shape) < 0.5
    found = unpack(json.loads(json.dumps(pack(mask))))
    assert found.dtype == bool
    assert np.array_equal(found, mask)


def test_a_mask_is_unpacked_no_further_than_its_shape():
    bomb = base64.b64encode(zlib.compress(bytes(10**8))).decode()
    with pytest.raises(ValueError) as error:
        unpack({"shape": [10, 10], "bits": bomb})
    assert str(error.value) == (
        f"Expected the bits of a mask of shape (10, 10), got {bomb!r:.80}."
    )
