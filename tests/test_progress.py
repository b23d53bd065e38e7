"""run: every step is told; what the callback raises ends the job."""

import pytest

from napari_pixel_mixtures.progress import Progress, run


def test_an_error_of_the_callback_ends_the_job():
    closed = []

    def job():
        try:
            yield Progress(0, 2)
            yield Progress(1, 2)
        finally:
            closed.append(True)

    def fail(progress):
        raise RuntimeError(str(progress.done))

    with pytest.raises(RuntimeError, match=r"^0$"):
        run(job(), fail)
    assert closed
    assert run(job()) is None
