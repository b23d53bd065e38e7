"""Every public name has an example; pytest runs those of the source."""

import doctest

import pytest

import napari_pixel_mixtures


@pytest.mark.parametrize("name", napari_pixel_mixtures.__all__)
def test_a_public_name_has_an_example(name):
    documented = getattr(napari_pixel_mixtures, name).__doc__
    examples = doctest.DocTestParser().get_examples(documented)
    assert examples
    assert any(name in example.source for example in examples) or (
        # Results are shown by what makes them.
        name in ("Clustering", "ColorCloud")
    )


def test_the_source_is_collected_for_its_examples(request):
    config = request.config
    assert config.getini("testpaths") == ["src", "tests"]
    assert config.getoption("doctestmodules")
