"""Formulas: what they give, and that nothing else than formulas is taken."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from cases import noise
from napari_pixel_mixtures import Color, Expression, cluster
from napari_pixel_mixtures.features import Picture
from napari_pixel_mixtures.features.formula import FUNCTIONS, MAX_DEPTH, parse

IMAGE = np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8)
R, G, B = np.moveaxis(IMAGE.astype(np.float64), -1, 0)

GOOD = {
    "R": R,
    " R ": R,
    "\tR": R,
    "c0 + c1 - c2": R + G - B,
    "(R - G) / (R + G + 1)": (R - G) / (R + G + 1),
    "-R * +G": -R * G,
    "R % 7": R % 7,
    "R ** 2": R**2,
    "(R + 1) ** -0.5": (R + 1) ** -0.5,
    "2 * R > G": (2 * R > G) * 1.0,
    "(R == G) + (R != G) * 2": np.where(R == G, 1.0, 2.0),
    "(R <= 9) + (R >= 9) + (R < 9)": 1.0 + (R <= 9),
    "pi * R + e": np.pi * R + np.e,
    "1e-3 * R + .5 + 2.": 1e-3 * R + 2.5,
    "abs(R - G)": np.abs(R - G),
    "arctan2(R, G + 1)": np.arctan2(R, G + 1),
    "clip(R, 10, G)": np.clip(R, 10, G),
    "cos(R) + sin(R) + tan(R)": np.cos(R) + np.sin(R) + np.tan(R),
    "exp(-R / 255)": np.exp(-R / 255),
    "floor(R / 10) + round(R / 10)": np.floor(R / 10) + np.rint(R / 10),
    "hypot(R, G)": np.hypot(R, G),
    "log(R + 1) + log2(R + 1)": np.log(R + 1) + np.log2(R + 1),
    "log10(R + 1) + log1p(R)": np.log10(R + 1) + np.log1p(R),
    "maximum(R, G) - minimum(R, G)": np.maximum(R, G) - np.minimum(R, G),
    "sign(R - 100)": np.sign(R - 100),
    "sqrt(R) + square(G)": np.sqrt(R) + G**2,
    "where(R > G, R, B)": np.where(R > G, R, B),
    "where(R > G, 1, 0)": np.where(R > G, 1.0, 0.0),
    "sqrt(2) * R": np.sqrt(2) * R,
    "R - G - B": R - G - B,
    "2 - R ** 2 * 3": 2 - R**2 * 3,
    "-R ** 2": -(R**2),
}


@pytest.mark.parametrize("text", GOOD)
def test_formulas_are_those_of_numpy(text):
    picture = Picture.from_array(IMAGE.astype(np.float64))
    feature = Expression(text)
    found = feature.compute(picture, None)
    assert found.dtype == np.float64
    assert_allclose(found[:, 0], GOOD[text].ravel(), rtol=1e-13, atol=1e-13)
    some = np.array([5, 3])
    assert_array_equal(feature.compute(picture, some), found[some])
    assert feature.names(picture) == (text.strip(),)


def test_every_function_is_tried():
    assert all(any(f"{name}(" in text for text in GOOD) for name in FUNCTIONS)


def test_channels_are_called_by_their_names():
    image = noise(4, 5, 2)
    picture = Picture.from_array(image, names=("nuclei", "actin 2"))
    expected = image[..., 0] / (image[..., 1] + 1.0)
    found = Expression("nuclei / (c1 + 1)").compute(picture, None)
    assert_allclose(found[:, 0], expected.ravel(), rtol=1e-6)


SUCH = "write such as (R - G) / (R + G + 1)."
WHERE = "Expected numbers, channels, functions and operators, got"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("R +", f"{WHERE} the end at character 4 of 'R +'; {SUCH}"),
        ("R.real", f"{WHERE} '.' at character 2 of 'R.real'; {SUCH}"),
        ("R[0]", f"{WHERE} '[' at character 2 of 'R[0]'; {SUCH}"),
        ("", f"{WHERE} nothing at character 1 of ''; {SUCH}"),
        ("sqrt", f"{WHERE} sqrt without (...) at character 1 of 'sqrt'; {SUCH}"),
        (
            "1 + eval(R)",
            f"{WHERE} eval(...), which is not among them, at character 5 of '1 + "
            f"eval(R)'; {SUCH}",
        ),
        (
            "sqrt(R, G)",
            f"{WHERE} sqrt(...) with 2 values in place of 1 at character 1 of "
            f"'sqrt(R, G)'; {SUCH}",
        ),
        (
            "R ** 1000",
            f"{WHERE} an exponent above 16 at character 6 of 'R ** 1000'; {SUCH}",
        ),
        (
            "R ** G",
            f"{WHERE} an exponent that is not a number at character 6 of 'R ** G'; "
            f"{SUCH}",
        ),
        ("3 + 4", f"{WHERE} no channel at character 1 of '3 + 4'; {SUCH}"),
        (
            "0 < R < 9",
            f"{WHERE} several comparisons in a row at character 1 of '0 < R < 9'; "
            f"{SUCH}",
        ),
        ("R in G", f"{WHERE} in, is at character 1 of 'R in G'; {SUCH}"),
        ("not R", f"{WHERE} not at character 1 of 'not R'; {SUCH}"),
        ("True + R", f"{WHERE} True at character 1 of 'True + R'; {SUCH}"),
        (
            "R // 2",
            f"{WHERE} an operator of integers, as // or <<, at character 1 of 'R // "
            f"2'; {SUCH}",
        ),
        (
            "R if G else B",
            f"{WHERE} if, else (use where) at character 1 of 'R if G else B'; {SUCH}",
        ),
        (
            "R * 1e999",
            f"{WHERE} a number that is too large at character 5 of 'R * 1e999'; {SUCH}",
        ),
        (None, "Expected a formula as a string, got None."),
        (
            "R" * 301,
            "Expected a formula of at most 300 characters, got 301; write a shorter "
            "one.",
        ),
    ],
)
def test_the_sentence_says_what_and_where(text, sentence):
    with pytest.raises(ValueError) as caught:
        Expression(text)
    assert str(caught.value) == sentence


def test_a_name_that_is_no_channel_is_refused_with_its_place():
    feature = Expression("(R - os) / 2")
    for ask in (feature.names, lambda p: feature.compute(p, None)):
        with pytest.raises(ValueError) as caught:
            ask(Picture.from_array(IMAGE))
        assert str(caught.value) == (
            "Expected channels among ['B', 'G', 'R', 'c0', 'c1', 'c2'], got 'os' at "
            "character 6 of '(R - os) / 2'."
        )


@pytest.mark.parametrize(
    ("name", "text", "place", "constant"),
    [("e", "c0 + e", 6, "2.71828"), ("pi", "pi * red", 1, "3.14159")],
)
def test_a_channel_called_as_a_constant_is_known_by_its_number(
    name, text, place, constant
):
    picture = Picture.from_array(noise(4, 5, 2), names=("red", name))
    feature = Expression(text)
    for ask in (feature.names, lambda p: feature.compute(p, None)):
        with pytest.raises(ValueError) as caught:
            ask(picture)
        assert str(caught.value) == (
            "Expected a channel that is called as a constant by its number, got "
            f"{name!r} at character {place} of {text!r}; write c1 for the channel, or "
            f"{constant} for the constant."
        )
    found = Expression("c0 + c1").compute(picture, None)
    assert_array_equal(found[:, 0], picture.pixels.sum(axis=1, dtype=np.float64))


# What somebody might send in a file, or type by mistake.
HOSTILE = [
    # Names, attributes and indices.
    *("__import__('os')", "__builtins__", "os.system('x')", "R.__class__", "R.T"),
    *("R.__array__()", "().__class__", "(1).real", "1 .real", "''.join(R)", "R[0]"),
    *("R[:]", "R[R]", "c0[0](1)", "globals()", "locals()", "open('x')", "exit()"),
    *("eval('1')", "exec('1')", "compile('1')", "getattr(R, c0)", "vars(R)", "id(R)"),
    *("__import__", "import os", "from os import x", "dir()", "print(R)", "input()"),
    *("np.abs(R)", "numpy.load(R)", "sqrt.__call__(R)", "abs.__self__", "type(R)"),
    *("R.tofile('x')", "breakpoint()", "help(R)", "super()", "object()", "quit()"),
    # Strings, containers, comprehensions, lambdas.
    *("'R'", '"R"', "'''R'''", "f'{R}'", "b'R'", "r'R'", "u'R'", "'R' + R", "R + ''"),
    *("[R]", "[]", "{}", "{R}", "{R: G}", "(R,)", "()", "R, G", "*R", "**R", "(*R,)"),
    *("[x for x in R]", "(x for x in R)", "{x for x in R}", "sum(x for x in R)"),
    *("lambda: R", "lambda x: R", "(lambda: R)()", "lambda", "R if 1", "x := R"),
    *("(x := R)", "R = G", "R == ", "R += 1", "R; G", "R\nG", "R\\\nG", "R # G", "R;"),
    # Statements and keywords.
    *("del R", "pass", "return R", "yield R", "(yield R)", "await R", "raise R"),
    *("while 1: R", "for x in R: x", "if R: G", "def f(): R", "class A: R", "try: R"),
    *("global R", "nonlocal R", "assert R", "with R: G", "async R", "not R", "R and G"),
    *("R or G", "R in G", "R not in G", "R is G", "R is not G", "None", "True", "..."),
    *("False + R", "True * R", "None + R", "Ellipsis", "R if G else B", "@R", "R @ G"),
    # Operators that are not arithmetic.
    *("R // G", "R & G", "R | G", "R ^ G", "~R", "R << 2", "R >> 2", "R <> G", "R ! G"),
    *("!R", "R ? G : B", "R && G", "R || G", "R === G", "R =< G", "R ++", "R --", "$R"),
    *(
        "R++",
        "R**",
        "**",
        "*",
        "/",
        "R /",
        "R * / G",
        "R G",
        "R 2",
        "2 R",
        "2R",
        "R(2)",
    ),
    *("2(R)", "(R)(G)", "R()", "sqrt()(R)", "sqrt(R)(G)", "(sqrt)(R, G)", "-", "+"),
    # Calls that are not as they should be.
    *("sqrt()", "sqrt(R, G)", "sqrt(*R)", "sqrt(**R)", "sqrt(x=R)", "sqrt(R, out=G)"),
    *("where(R)", "clip(R, 1)", "maximum(R)", "minimum(R, G, B)", "sqrt(R", "sqrt R"),
    *("sqrt", "sqrt + R", "abs(sqrt)", "sqrt[R]", "Sqrt(R)", "SQRT(R)", "sum(R)"),
    *(
        "mean(R)",
        "sqrt(R,, G)",
        "sqrt(,)",
        "sqrt(R;)",
        "where(R, sqrt, 1)",
        "max(R, G)",
    ),
    # Numbers.
    *("R + 1e999", "R + 1j", "R * 2J", "R + 0x10", "R + 0b1", "R + 0o7", "R + 1_0"),
    *("R + 01", "R + 1.2.3", "R + 1e", "R + 1e+", "R + .", "R + 1..2", "R + 1a", "1"),
    *("1 + 2", "pi", "e", "sqrt(2)", "nan", "R * 1l", "R + ∞", "R + ½", "R + ٣"),
    # Exponents, and what would take long or much memory.
    *(
        "R ** 17",
        "R ** -17",
        "R ** 1e9",
        "R ** G",
        "R ** R ** R",
        "2 ** R",
        "R ** (1)j",
    ),
    *("9 ** 9 ** 9 * R", "R ** (2 ** 9)", "R ** pi", "R ** - - 2", "R ** (1 + 1)"),
    *("R" + "**9" * 90, "9" * 400 + "*R", "R" * 10_000, "(" * 201 + "R"),
    *("(" * 149 + "R", "-" * 299 + "R", "+".join(["R"] * 150), "sqrt(" * 50 + "R"),
    *("sqrt(" * 49 + "R" + ")" * 49, "R" + "+1" * 60, "R" + "<1" * 60, "(" * 300),
    # Characters.
    *(
        "",
        " ",
        "\n",
        "\t",
        "\0",
        "R\0",
        "R\x00G",
        "\ufeffR",
        "R\u200b",
        "\uff32",
        "R \u2212 G",
    ),
    *(
        "R \xd7 G",
        "R ÷ 2",
        "²R",
        "R²",
        "√R",
        "π * R",
        "R\u2028G",
        "\ud800",
        "😀",
        "R\u2019",
    ),
    *(
        "`R`",
        "R\r",
        "R\x0c",
        "\\",
        "R \\",
        "R %",
        "%s",
        "{0}",
        "R'",
        '"',
        "'",
        ",",
        ":",
    ),
    *(
        "=",
        "==",
        "R, ",
        ",R",
        ")",
        "(",
        ")(",
        "(R",
        "R)",
        "((R)",
        "()R",
        "R()()",
        "_",
        "",
    ),
    # Not even a text.
    *(None, 1, 1.5, True, b"R", ["R"], ("R",), {"R": 1}, object, np.str_, np.ones(3)),
]


def test_there_are_enough_hostile_inputs():
    assert len(HOSTILE) > 200


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:40])
def test_hostile_formulas_are_refused_in_one_sentence(text):
    with pytest.raises(ValueError) as caught:
        Expression(text).compute(Picture.from_array(IMAGE), None)
    said = str(caught.value)
    assert said.startswith("Expected ")
    assert said.endswith(".")
    assert "\n" not in said
    assert len(said) < 400


def test_deep_formulas_are_refused_before_python_tires_of_them():
    assert parse("-" * (MAX_DEPTH - 1) + "R").names == {"R": MAX_DEPTH}
    with pytest.raises(ValueError):
        parse("-" * (MAX_DEPTH + 1) + "R")


def test_pixels_where_a_formula_is_not_finite_get_label_0():
    image = np.array([[0, 1, 2, 40, 41, 0], [1, 2, 40, 42, 0, 41]], np.uint8)
    for array in (image, image.astype(np.float32)):  # by colors, and by pixels
        found = cluster(array, 2, features=Expression("log(c0)"))
        assert_array_equal(found.labels == 0, image == 0)
        assert found.feature_names == ("log(c0)",)
        # As if the others had been masked out.
        masked = cluster(array, 2, features=Expression("log(c0 + 0)"), mask=image > 0)
        assert_array_equal(found.labels, masked.labels)
        # Within a mask too.
        mask = np.arange(6) > 0
        within = cluster(
            array, 2, features=Expression("log(c0)"), mask=np.stack([mask, mask])
        )
        assert_array_equal(within.labels == 0, (image == 0) | ~mask)


def test_a_formula_that_is_nowhere_finite_is_refused():
    with pytest.raises(ValueError) as caught:
        cluster(IMAGE, 2, features=[Color(), Expression("log(-1 - R)")])
    assert str(caught.value) == (
        "Expected at least one pixel where every feature is finite, got none with R, "
        "G, B, log(-1 - R); leave out the feature that is not."
    )
