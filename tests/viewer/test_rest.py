"""Rest: one call after the last of many starts."""

from napari_pixel_mixtures.viewer.rest import Rest


def test_one_call_after_the_last_start(qtbot):
    calls = []
    rest = Rest(50, lambda: calls.append(1))
    assert not rest.waiting
    for _ in range(5):
        rest.start()
        qtbot.wait(10)
    assert rest.waiting
    qtbot.waitUntil(lambda: bool(calls))
    qtbot.wait(80)
    assert calls == [1]
    assert not rest.waiting
    rest.start()
    rest.stop()
    qtbot.wait(80)
    assert calls == [1]


def test_it_can_be_stopped_after_qt_deleted_its_timer(qtbot):
    from qtpy.QtCore import QCoreApplication, QEvent

    rest = Rest(50, lambda: None)
    rest._timer.deleteLater()
    QCoreApplication.sendPostedEvents(rest._timer, QEvent.Type.DeferredDelete.value)
    rest.stop()
