"""Libraries that start threads of their own are held to one."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Iterator

_lock = threading.Lock()


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold OpenMP and BLAS to one thread; one thread is inside, the others wait.

    Both add up in an order that depends on their number of threads, OpenMP even on
    which thread ends first, so that the last bits of scikit-learn's results do. The
    limit of OpenMP is that of the calling thread, but that of BLAS is the process's:
    of two threads inside, the first to leave would lift it for the other. If another
    thread keeps a limit of its own by threadpoolctl, that one of BLAS stands.
    """
    with _lock, threadpool_limits(1):
        yield


def _renew() -> None:
    """Forget a lock that is held by a thread which a forked process does not have."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
