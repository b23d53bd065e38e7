"""Arithmetic on several samples at once, written into compiled kernels.

numba leaves it to LLVM to find out that a loop over samples can use vector
instructions, and LLVM often gives up. Here the vectors are explicit: a `Lanes` is
one LLVM vector that holds the same quantity of `LANES` neighbouring samples, and
its operators emit instructions. LLVM turns a vector into whatever the processor
has: one AVX-512 register, two AVX2 or four NEON ones. No operation is reassociated,
so the result does not depend on how a loop was compiled.
"""
# mypy: allow-untyped-calls

from __future__ import annotations

import struct
from contextlib import contextmanager
from math import log
from typing import TYPE_CHECKING

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numpy.polynomial import Chebyshev, Polynomial

if TYPE_CHECKING:
    from collections.abc import Iterator

LANES = 16
"""Samples in a vector, in float32 and in float64."""

INT64 = ir.IntType(64)


class Precision:
    """How one floating-point type is laid out, and what is accurate enough for it.

    Parameters
    ----------
    name : str
        "float32" or "float64".
    """

    def __init__(self, name: str) -> None:
        single = name == "float32"
        self.name = name
        self.scalar = ir.FloatType() if single else ir.DoubleType()
        self.vector = ir.VectorType(self.scalar, LANES)
        self.integer = ir.IntType(32 if single else 64)
        self.integers = ir.VectorType(self.integer, LANES)
        self.itemsize = 4 if single else 8
        self.mantissa_bits = 23 if single else 52
        self.exponent_bias = 127 if single else 1023
        # Responsibilities below 2**cutoff count as zero: they could change no sum,
        # and without the cut-off they become denormal numbers, which are slow.
        self.cutoff = -60.0 if single else -800.0
        self.exp2_degree = 5 if single else 11
        self.log_terms = 5 if single else 12


PRECISIONS = {types.float32: Precision("float32"), types.float64: Precision("float64")}


class Lanes:
    """One quantity of `LANES` samples; operators emit vector instructions."""

    def __init__(self, emitter: Emitter, value: ir.Value) -> None:
        self.emitter = emitter
        self.value = value

    def _apply(self, operation: str, other: Lanes) -> Lanes:
        emit = getattr(self.emitter.builder, operation)
        return Lanes(self.emitter, emit(self.value, other.value))

    def __add__(self, other: Lanes) -> Lanes:
        """Emit an addition."""
        return self._apply("fadd", other)

    def __sub__(self, other: Lanes) -> Lanes:
        """Emit a subtraction."""
        return self._apply("fsub", other)

    def __mul__(self, other: Lanes) -> Lanes:
        """Emit a multiplication."""
        return self._apply("fmul", other)

    def __truediv__(self, other: Lanes) -> Lanes:
        """Emit a division."""
        return self._apply("fdiv", other)

    def __neg__(self) -> Lanes:
        """Emit a change of sign."""
        return Lanes(self.emitter, self.emitter.builder.fneg(self.value))

    def times_plus(self, factor: Lanes, term: Lanes) -> Lanes:
        """Return self * factor + term, rounded once where the processor can."""
        return self.emitter.call("llvm.fmuladd", self, factor, term)

    def larger(self, other: Lanes) -> Lanes:
        """Return the larger of the two, in every lane; none may be NaN.

        Not by a comparison and a choice, of which LLVM makes a masked store where one
        of the two is in memory: see `steps._compare`.
        """
        return self.emitter.call("llvm.maxnum", self, other, flags=("nnan",))

    def where_above(self, bound: Lanes, otherwise: Lanes, chosen: Lanes) -> Lanes:
        """Return `chosen` in the lanes where self > bound, and else `otherwise`."""
        builder = self.emitter.builder
        above = builder.fcmp_ordered(">", self.value, bound.value)
        return Lanes(self.emitter, builder.select(above, chosen.value, otherwise.value))

    def any_above(self, bound: Lanes) -> ir.Value:
        """Return one bit: whether self > bound in some lane."""
        builder = self.emitter.builder
        above = builder.fcmp_ordered(">", self.value, bound.value)
        bits = ir.IntType(LANES)
        return builder.icmp_unsigned("!=", builder.bitcast(above, bits), bits(0))


class Emitter:
    """Writes the instructions of one kernel, for one floating-point type."""

    def __init__(self, builder: ir.IRBuilder, precision: Precision) -> None:
        self.builder = builder
        self.precision = precision

    # Memory

    def at(self, pointer: ir.Value, *offsets: ir.Value | int) -> ir.Value:
        """Return the address of the element `sum(offsets)` behind `pointer`."""
        for offset in offsets:
            index = INT64(offset) if isinstance(offset, int) else offset
            pointer = self.builder.gep(pointer, [index])
        return pointer

    def load(self, pointer: ir.Value, *offsets: ir.Value | int) -> Lanes:
        """Load `LANES` neighbouring elements."""
        place = self.builder.bitcast(
            self.at(pointer, *offsets), self.precision.vector.as_pointer()
        )
        return Lanes(self, self.builder.load(place, align=self.precision.itemsize))

    def store(self, lanes: Lanes, pointer: ir.Value, *offsets: ir.Value | int) -> None:
        """Store `LANES` neighbouring elements."""
        place = self.builder.bitcast(
            self.at(pointer, *offsets), self.precision.vector.as_pointer()
        )
        self.builder.store(lanes.value, place, align=self.precision.itemsize)

    def broadcast(self, pointer: ir.Value, *offsets: ir.Value | int) -> Lanes:
        """Load one element into every lane."""
        return self.splat(self.builder.load(self.at(pointer, *offsets)))

    def splat(self, scalar: ir.Value) -> Lanes:
        """Return a scalar in every lane."""
        undefined = ir.Constant(self.precision.vector, ir.Undefined)
        first = self.builder.insert_element(undefined, scalar, ir.IntType(32)(0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return Lanes(self, self.builder.shuffle_vector(first, undefined, mask))

    def constant(self, number: float) -> Lanes:
        """Return a number in every lane."""
        return Lanes(self, ir.Constant(self.precision.vector, [number] * LANES))

    def variable(self, start: Lanes) -> Variable:
        """Return a variable that a loop may assign to."""
        return Variable(self, start)

    # Control

    @contextmanager
    def loop(self, stop: ir.Value | int, step: int = 1) -> Iterator[ir.Value]:
        """Emit a loop: 0, step, 2 step, ... below `stop`."""
        bound = INT64(stop) if isinstance(stop, int) else stop
        with cgutils.for_range_slice(
            self.builder, INT64(0), bound, INT64(step), inc=True
        ) as (index, _):
            yield index

    def call(self, name: str, *arguments: Lanes, flags: tuple[str, ...] = ()) -> Lanes:
        """Call an LLVM intrinsic on vectors."""
        vector = self.precision.vector
        function = cgutils.get_or_insert_function(
            self.builder.module,
            ir.FunctionType(vector, [vector] * len(arguments)),
            f"{name}.v{LANES}{self.precision.scalar.intrinsic_name}",
        )
        values = [one.value for one in arguments]
        return Lanes(self, self.builder.call(function, values, fastmath=flags))

    # Functions

    def exp2(self, power: Lanes) -> Lanes:
        """2**power for power <= 0, and exactly 0 below the cut-off.

        A polynomial gives 2**f for f in [-1/2, 1/2]; the rest goes to the exponent.
        """
        kind = self.precision
        low = self.constant(kind.cutoff)
        bounded = power.larger(low)
        whole = self.call("llvm.rint", bounded)
        fraction = bounded - whole
        coefficients = EXP2_COEFFICIENTS[kind.name]
        result = self.constant(coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            result = result.times_plus(fraction, self.constant(coefficient))
        exponent = self.builder.fptosi(whole.value, kind.integers)
        exponent = self.builder.shl(exponent, self._integers(kind.mantissa_bits))
        bits = self.builder.bitcast(result.value, kind.integers)
        scaled = self.builder.add(bits, exponent)
        value = Lanes(self, self.builder.bitcast(scaled, kind.vector))
        return power.where_above(low, self.constant(0.0), value)

    def log2(self, value: Lanes) -> Lanes:
        """Logarithm to base 2 of a positive normal number.

        With value = 2**e m and 1/sqrt(2) < m <= sqrt(2), the logarithm of m is
        2 atanh((m - 1) / (m + 1)), whose series converges fast.
        """
        kind = self.precision
        builder = self.builder
        half = int.from_bytes(_float_bytes(kind, 0.5**0.5), "little")
        bits = builder.bitcast(value.value, kind.integers)
        shift = self._integers(kind.mantissa_bits)
        exponent = builder.ashr(builder.sub(bits, self._integers(half)), shift)
        mantissa = builder.sub(bits, builder.shl(exponent, shift))
        m = Lanes(self, builder.bitcast(mantissa, kind.vector))
        whole = Lanes(self, builder.sitofp(exponent, kind.vector))
        one = self.constant(1.0)
        ratio = (m - one) / (m + one)
        square = ratio * ratio
        scale = 2.0 / log(2.0)
        result = self.constant(scale / (2 * kind.log_terms - 1))
        for term in reversed(range(kind.log_terms - 1)):
            result = result.times_plus(square, self.constant(scale / (2 * term + 1)))
        return ratio.times_plus(result, whole)

    def sum(self, lanes: Lanes) -> ir.Value:
        """Return the sum over the lanes as a float64, always in the same order."""
        builder = self.builder
        double = ir.VectorType(ir.DoubleType(), LANES)
        value = lanes.value
        if self.precision.name == "float32":
            value = builder.fpext(value, double)
        width = LANES
        while width > 1:
            width //= 2
            index = ir.VectorType(ir.IntType(32), width)
            undefined = ir.Constant(value.type, ir.Undefined)
            low = ir.Constant(index, list(range(width)))
            high = ir.Constant(index, list(range(width, 2 * width)))
            value = builder.fadd(
                builder.shuffle_vector(value, undefined, low),
                builder.shuffle_vector(value, undefined, high),
            )
        return builder.extract_element(value, ir.IntType(32)(0))

    def _integers(self, number: int) -> ir.Constant:
        return ir.Constant(self.precision.integers, [number] * LANES)


class Variable:
    """A vector that a loop may assign to; LLVM keeps it in a register."""

    def __init__(self, emitter: Emitter, start: Lanes) -> None:
        self.emitter = emitter
        self._place = cgutils.alloca_once(emitter.builder, start.value.type)
        self.set(start)

    def get(self) -> Lanes:
        """Return the present value."""
        return Lanes(self.emitter, self.emitter.builder.load(self._place))

    def set(self, lanes: Lanes) -> None:
        """Assign a value."""
        self.emitter.builder.store(lanes.value, self._place)


def _float_bytes(kind: Precision, number: float) -> bytes:
    return struct.pack("<f" if kind.name == "float32" else "<d", number)


def _exp2_coefficients(degree: int) -> list[float]:
    """Polynomial through 2**f at the Chebyshev nodes of [-1/2, 1/2]."""
    fit = Chebyshev.interpolate(np.exp2, degree, domain=[-0.5, 0.5])
    return [float(c) for c in fit.convert(kind=Polynomial).coef]


EXP2_COEFFICIENTS = {
    kind.name: _exp2_coefficients(kind.exp2_degree) for kind in PRECISIONS.values()
}
