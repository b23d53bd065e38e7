"""A job in the background: progress, cancel, late results dropped."""

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image
from napari.utils import progress

from napari_pixel_mixtures.features import Color, Position
from napari_pixel_mixtures.recipe import COVARIANCE_TYPES, Recipe
from napari_pixel_mixtures.viewer import activity, worker
from napari_pixel_mixtures.viewer.image_choice import ImageChoice
from napari_pixel_mixtures.viewer.model_sweep import SweepJob
from napari_pixel_mixtures.viewer.source import Source
from napari_pixel_mixtures.viewer.worker import Request, Runner, Step


@dataclass(eq=False)
class Count:
    """Counts to three, waiting for `go` after the first step."""

    title: str = "Counting"
    live: bool = False
    result: Any = 3
    error: Exception | None = None
    go: threading.Event = field(default_factory=threading.Event)
    waiting: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)
    threads: set = field(default_factory=set)

    def steps(self):
        try:
            for i in (1, 2, 3):
                self.threads.add(threading.current_thread())
                yield Step(f"{i} of 3", i / 3)
                if i == 1:
                    self.waiting.set()
                    assert self.go.wait(60)
        except GeneratorExit:
            self.closed.set()
            raise
        if self.error is not None:
            raise self.error
        return self.result


@pytest.fixture
def bars():
    """Progress bars that are open now, in the terminal or the activity dock."""
    before = set(progress._all_instances)
    return lambda: [bar for bar in progress._all_instances if bar not in before]


@pytest.fixture
def runner(qtbot, monkeypatch):
    monkeypatch.setattr(worker, "INTERVAL", 0.0)
    monkeypatch.setattr(worker, "BAR_AFTER", 0.0)
    runner = Runner()
    runner.log = []
    runner.stepped.connect(lambda step: runner.log.append(step))
    runner.succeeded.connect(lambda job, result: runner.log.append((job, result)))
    runner.failed.connect(lambda job, error: runner.log.append((job, error)))
    yield runner
    runner.cancel()


def test_a_job_tells_its_steps_and_its_result(runner, qtbot, bars):
    job = Count()
    runner.start(job)
    assert runner.busy and runner.job is job
    qtbot.waitUntil(lambda: len(runner.log) == 1)
    [bar] = bars()
    assert (bar.desc.rstrip(": "), bar.n, bar.total) == ("Counting", 333, 1000)

    job.go.set()
    qtbot.waitUntil(lambda: not runner.busy)

    steps = [Step("1 of 3", 1 / 3), Step("2 of 3", 2 / 3), Step("3 of 3", 1.0)]
    assert runner.log == [*steps, (job, 3)]
    assert bars() == []
    assert job.threads.isdisjoint({threading.main_thread()})


def test_a_short_job_shows_no_bar(runner, qtbot, bars, monkeypatch):
    monkeypatch.setattr(worker, "BAR_AFTER", 60.0)
    job = Count()
    runner.start(job)
    qtbot.waitUntil(lambda: len(runner.log) == 1)
    assert bars() == []
    job.go.set()
    qtbot.waitUntil(lambda: not runner.busy)


def test_cancelling_forgets_at_once_and_stops_at_the_next_step(runner, qtbot, bars):
    job = Count()
    runner.start(job)
    qtbot.waitUntil(job.waiting.is_set)
    runner.cancel()
    assert not runner.busy
    assert bars() == []
    told = list(runner.log)

    job.go.set()
    qtbot.waitUntil(job.closed.is_set)
    qtbot.wait(20)
    assert runner.log == told


def test_the_second_of_two_jobs_wins(runner, qtbot, bars):
    first, second = Count(), Count(title="Again", result=4)

    def titles():
        return [bar.desc.rstrip(": ") for bar in bars()]

    runner.start(first)
    qtbot.waitUntil(first.waiting.is_set)
    qtbot.waitUntil(lambda: titles() == ["Counting"])
    runner.start(second)
    qtbot.waitUntil(second.waiting.is_set)
    qtbot.waitUntil(lambda: titles() == ["Again"])
    second.go.set()
    qtbot.waitUntil(lambda: not runner.busy)
    first.go.set()
    qtbot.waitUntil(first.closed.is_set)
    qtbot.wait(20)
    assert runner.log[-1] == (second, 4)
    assert bars() == []


def test_a_result_that_is_on_its_way_when_cancelled_is_dropped(runner, qtbot):
    job = Count()
    job.go.set()
    runner.start(job)
    assert job.waiting.wait(60)
    for thread in job.threads:
        thread.join()
    runner.cancel()
    qtbot.wait(20)
    assert runner.log == []


@pytest.mark.parametrize("kind", [ValueError, RuntimeError, StopIteration, MemoryError])
def test_an_error_ends_the_job(runner, qtbot, bars, kind):
    job = Count(error=kind("No luck."))
    job.go.set()
    runner.start(job)
    qtbot.waitUntil(lambda: not runner.busy)
    failed, error = runner.log[-1]
    assert failed is job
    if kind is StopIteration:  # Python turns it into a RuntimeError in a generator
        assert isinstance(error, RuntimeError)
    else:
        assert type(error) is kind and str(error) == "No luck."
    assert bars() == []
    following = Count()
    following.go.set()
    runner.start(following)
    qtbot.waitUntil(lambda: not runner.busy)
    assert runner.log[-1] == (following, 3)


class Bar:
    """A progress bar that processes Qt's events at every turn, as napari's do."""

    def __init__(self, total, desc):
        self.n = 0
        self.depth = self.deepest = 0
        bars_made.append(self)
        self._process()

    def _process(self):
        from qtpy.QtWidgets import QApplication

        self.depth += 1
        self.deepest = max(self.deepest, self.depth)
        threading.Event().wait(0.002)  # so that the worker is ahead
        QApplication.processEvents()
        self.depth -= 1

    def update(self, n):
        self.n += n
        self._process()

    def close(self):
        self._process()


bars_made = []


@pytest.mark.parametrize("times", [1, 200])
def test_no_step_comes_after_the_result(runner, qtbot, monkeypatch, times):
    monkeypatch.setattr(activity, "progress", Bar)
    bars_made.clear()

    class Quick:
        title = "Quick"
        live = False

        def steps(self):
            for i in range(times):
                yield Step(str(i), i / times)
            return "done"

    for _ in range(5):
        runner.log.clear()
        runner.start(Quick())
        qtbot.waitUntil(lambda: not runner.busy)
        qtbot.wait(20)
        *steps, (_, result) = runner.log  # the result may pass by the first step
        assert result == "done"
        assert times - 1 <= len(steps) <= times
        assert all(isinstance(step, Step) for step in steps)
    assert max(bar.deepest for bar in bars_made) <= 2


def test_a_job_that_is_started_while_a_bar_opens_takes_over(runner, qtbot, monkeypatch):
    first, second = Count(), Count(result=4)
    opened = []

    class Impatient(Bar):
        def __init__(self, total, desc):
            super().__init__(total, desc)
            opened.append(self)
            if len(opened) == 1:
                runner.start(second)

        def close(self):
            opened.remove(self)

    monkeypatch.setattr(activity, "progress", Impatient)
    runner.start(first)
    qtbot.waitUntil(lambda: runner.job is second)
    qtbot.waitUntil(lambda: len(opened) == 1)
    first.go.set()
    second.go.set()
    qtbot.waitUntil(lambda: not runner.busy)
    qtbot.waitUntil(first.closed.is_set)
    assert [e for e in runner.log if isinstance(e, tuple)] == [(second, 4)]
    assert opened == []


def test_thousands_of_short_steps_are_told_at_a_readable_pace(
    runner, qtbot, monkeypatch
):
    monkeypatch.setattr(worker, "INTERVAL", 60.0)

    class Many:
        title = "Many"
        live = False

        def steps(self):
            for i in range(100_000):
                yield Step(str(i), 0.0)
            return "done"

    job = Many()
    runner.start(job)
    qtbot.waitUntil(lambda: not runner.busy, timeout=30_000)
    assert runner.log == [Step("0", 0.0), (job, "done")]


class Compiler:
    """Takes three turns, whatever it is asked for."""

    def __init__(self):
        self.asked = []
        self.turns = 3

    def __call__(self, *asked):
        self.asked.append(asked)
        return self

    def join(self, timeout):
        self.turns -= 1

    def is_alive(self):
        return self.turns > 0


@pytest.mark.parametrize(
    ("dtype", "features", "n", "said"),
    [
        ("u1", (Color(),), 1, "1 feature"),
        ("f8", (Color(), Position()), 3, "3 features"),
    ],
)
def test_a_fit_that_waits_for_the_compiler_says_so(
    qapp, monkeypatch, dtype, features, n, said
):
    compiler = Compiler()
    monkeypatch.setattr(worker, "warm_up", compiler)
    image = Image(np.eye(8, dtype=dtype))
    recipe = Recipe(n_components=2, covariance_type="diag", features=features)
    steps = Request(Source.of(image), "Clustering", recipe).steps()
    texts = [next(steps).text for _ in range(3)]
    steps.close()
    waiting = f"Clustering: compiling for {said}, once on this machine"
    assert texts == [waiting, waiting, "Clustering: looking for a good start"]
    single = dtype == "u1"
    assert compiler.asked == [((n,), ("diag",), np.float32 if single else np.float64)]


def test_a_choice_of_the_model_waits_for_all_types(qapp, monkeypatch):
    compiler = Compiler()
    monkeypatch.setattr(worker, "warm_up", compiler)
    image = Image(np.eye(8), name="eye")
    request = Request(Source.of(image), "Clustering", Recipe(n_components=1))
    steps = SweepJob(request, (1,)).steps()
    texts = [next(steps).text for _ in range(3)]
    steps.close()
    title = "Choosing a model of eye"
    waiting = f"{title}: compiling for 1 feature, once on this machine"
    assert texts[:2] == [waiting, waiting]
    assert texts[2].startswith(f"{title}: ")
    assert texts[2].endswith(" of 4 fitted")
    assert compiler.asked == [((1,), COVARIANCE_TYPES, np.float64)]


def test_what_is_compiled_before_a_fit_is_that_of_the_image(qapp):
    viewer = ViewerModel()
    choice = ImageChoice(viewer)
    assert choice.measured() == (3, np.float32)
    gray = viewer.add_image(np.zeros((40, 50), np.uint16))
    assert choice.measured() == (1, np.float32)
    other = viewer.add_image(np.zeros((40, 50)))
    assert choice.measured() == (1, np.float64)
    choice.set((gray, other))
    assert choice.measured() == (2, np.float64)
    viewer.add_image(np.zeros((40, 50, 4), np.uint8))
    assert choice.measured() == (3, np.float32)
    viewer.add_image(np.zeros((5, 40, 50), "f4"), axis_labels=("c", "y", "x"))
    assert choice.measured() == (5, np.float32)
