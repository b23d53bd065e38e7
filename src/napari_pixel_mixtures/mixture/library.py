"""Compiled kernels, from this process, the cache on disk, or the compiler."""

from __future__ import annotations

import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import from_dtype, njit, types

from . import kernels, plan_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from .plan import Plan

COMPILED = (
    *("algebra.py", "distinct.py", "estimation.py", "kernels.py", "lanes.py"),
    *("layout.py", "moment_steps.py", "plan.py", "plan_steps.py", "seeding.py"),
    "steps.py",
)
"""Files with functions that are compiled, or that write instructions."""


def _arrays(dtype: Any) -> dict[str, Any]:
    """Types of the kernels' arguments that depend on the precision."""
    real = from_dtype(np.dtype(dtype))
    return {
        # Any strides, and read-only: every array converts to this type, so that
        # one compiled kernel serves them all.
        "samples": types.Array(real, 2, "A", readonly=True),
        "weights": types.Array(real, 1, "A", readonly=True),
        "parameters": types.Array(real, 2, "C"),
        "scores": types.Array(real, 1, "C"),
        "responsibilities": types.Array(real, 2, "C"),
        "values": types.Array(real, 2, "A", readonly=True),
        "origins": types.Array(real, 2, "C"),
    }


_COUNTING = (types.Array(types.int64, 1, "C"), types.int64, types.int64)
_LABELS = types.Array(types.uint8, 1, "C")


def _moments(a: dict[str, Any]) -> tuple[Any, ...]:
    sums = types.Array(types.float64, 2, "C")
    scores = types.Array(types.float64, 1, "C")
    return (
        *(types.int64, a["samples"], a["weights"], a["parameters"]),
        *(*_COUNTING, sums, scores),
    )


def _labels(a: dict[str, Any]) -> tuple[Any, ...]:
    return (types.int64, a["samples"], a["parameters"], *_COUNTING, _LABELS)


def _details(a: dict[str, Any]) -> tuple[Any, ...]:
    sums = types.Array(types.float64, 3, "C")
    return (
        *(types.int64, a["samples"], a["weights"], a["parameters"]),
        *(*_COUNTING, _LABELS, a["scores"], a["scores"], a["responsibilities"]),
        *(a["values"], a["origins"], sums),
    )


_DENSITIES = (plan_steps.densities_step, plan_steps.scan_types)
_VOTES = (plan_steps.votes_step, plan_steps.scan_types)
_MOMENTS = (plan_steps.moments_step, plan_steps.moments_types)
PASSES: dict[str, tuple[Any, ...]] = {
    "moments": (kernels.moments_pass, _moments, _DENSITIES, _MOMENTS),
    "labels": (kernels.labels_pass, _labels, _VOTES),
    "details": (kernels.details_pass, _details, _DENSITIES),
}
"""Each pass, its signature, and the steps that it calls with theirs."""

# Nobody calls them as C does, for which numba would compile a wrapper as well.
_OPTIONS: dict[str, Any] = {"nogil": True, "no_cfunc_wrapper": True}
_dispatchers: dict[Callable[..., Any], Any] = {}
_kernels: dict[tuple[Any, ...], Callable[..., None]] = {}
_routines: dict[Callable[..., Any], Callable[..., Any]] = {}
_lock = threading.RLock()

# A process that is forked while a kernel is being compiled would wait for ever for
# the thread that compiles it: it does not exist there. So the fork waits.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_lock.acquire,
        after_in_parent=_lock.release,
        after_in_child=_lock.release,
    )


Signature = tuple[Any, ...]


def kernel(name: str, plan: Plan) -> Callable[..., None]:
    """Return a compiled pass; compiles it the first time on this machine.

    Parameters
    ----------
    name : {"moments", "labels", "details"}
        Which pass of `kernels`.
    plan : Plan
        What it is for.

    Returns
    -------
    callable
        It takes what the pass does after its steps, releases the interpreter's lock,
        and does not check its arguments.
    """
    key = (name, plan._numba_type_, plan.dtype)
    found = _kernels.get(key)
    if found is None:
        function, signature, *steps = PASSES[name]
        addresses = [_address(step, kinds, plan) for step, kinds in steps]
        given = (types.int64,) * len(steps) + signature(_arrays(plan.dtype))
        found = _kernels[key] = partial(compile_for(function, given), *addresses)
    return found


def _address(step: Callable[..., Any], kinds: Callable[..., Any], plan: Plan) -> int:
    """Return where a step compiled for a plan lies in memory, for good."""
    signature = kinds(plan._numba_type_, from_dtype(plan.dtype))
    while True:
        compile_for(step, signature)
        with _lock:  # for a fork, which must not come while LLVM is at work
            compiled = _dispatchers[step].overloads.get(signature)
            if compiled is None:  # a damaged cache has taken it away again
                continue
            address: int = compiled.library.get_pointer_to_function(
                compiled.fndesc.llvm_func_name
            )
        if not address:
            raise RuntimeError(f"No compiled {step.__name__} was found.")
        return address


def routine(job: tuple[Callable[..., Any], Signature]) -> Callable[..., Any]:
    """Return what `compile_for` does of a function that has one signature only.

    Looked up by the function alone, which is fast enough for the inside of a loop.
    """
    function, signature = job
    found = _routines.get(function)
    if found is None:
        found = _routines[function] = compile_for(function, signature)
    return found


def compile_for(
    function: Callable[..., Any], signature: Signature
) -> Callable[..., Any]:
    """Return a function compiled for the given types of its arguments.

    It comes from this process, from numba's cache on disk, or from the compiler; a
    cache that cannot be read or written is done without.
    """
    dispatcher = _dispatchers.get(function)
    if dispatcher is not None and signature in dispatcher.overloads:
        return dispatcher.overloads[signature].entry_point  # type: ignore[no-any-return]
    if threading.current_thread() is not threading.main_thread():
        return _compile(function, signature)
    # An interrupt is raised in the main thread only, in the first Python code that
    # runs there. While LLVM works that would be llvmlite's function that takes the
    # object code, from which no exception comes out: the interrupt would be lost.
    # It is not where the main thread waits; the pool ends before it is raised.
    with ThreadPoolExecutor(1, thread_name_prefix="pixel-mixtures-compiler") as pool:
        return pool.submit(_compile, function, signature).result()


def _compile(function: Callable[..., Any], signature: Signature) -> Callable[..., Any]:
    with _lock:
        if function not in _dispatchers:
            _dispatchers[function] = _with_cache(function)
        dispatcher = _dispatchers[function]
        if signature in dispatcher.overloads:
            return dispatcher.overloads[signature].entry_point  # type: ignore[no-any-return]
        try:
            return dispatcher.compile(signature)  # type: ignore[no-any-return]
        except (OSError, EOFError, pickle.UnpicklingError):
            # After a failed write the function is there all the same.
            if signature not in dispatcher.overloads:
                dispatcher = _dispatchers[function] = njit(**_OPTIONS)(function)
            return dispatcher.compile(signature)  # type: ignore[no-any-return]


def _with_cache(function: Callable[..., Any]) -> Any:
    # numba's cache on disk looks only at the file of the function that is asked for.
    # The name, under which it is kept there, makes it notice changes to the others.
    named = FunctionType(function.__code__, function.__globals__)
    named.__qualname__ = f"{function.__qualname__}.{_fingerprint()}"
    dispatcher = njit(**_OPTIONS)(named)
    # numba refuses if it finds no folder that it may write to.
    with suppress(RuntimeError):
        dispatcher.enable_caching()
    return dispatcher


@cache
def _fingerprint() -> str:
    """Digest of the sources that compiled code is made of."""
    digest = sha256()
    for name in COMPILED:
        digest.update(Path(__file__).with_name(name).read_bytes())
    return digest.hexdigest()[:16]
