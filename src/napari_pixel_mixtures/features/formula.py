"""Formula: arithmetic with names, read safely.

Python's parser turns the text into a tree, of which only the nodes listed here are
taken. Nothing is compiled or evaluated by Python: no attribute, index, string,
keyword or other name can be reached.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Values = NDArray[np.float64] | np.float64
    Evaluate = Callable[[Mapping[str, NDArray[np.float64]]], Values]

MAX_LENGTH = 300
MAX_DEPTH = 40
MAX_EXPONENT = 16

CONSTANTS = {"pi": np.pi, "e": np.e}
FUNCTIONS: dict[str, tuple[int, Any]] = {
    "abs": (1, np.abs),
    "arctan2": (2, np.arctan2),
    "clip": (3, np.clip),
    "cos": (1, np.cos),
    "exp": (1, np.exp),
    "floor": (1, np.floor),
    "hypot": (2, np.hypot),
    "log": (1, np.log),
    "log10": (1, np.log10),
    "log1p": (1, np.log1p),
    "log2": (1, np.log2),
    "maximum": (2, np.maximum),
    "minimum": (2, np.minimum),
    "round": (1, np.rint),
    "sign": (1, np.sign),
    "sin": (1, np.sin),
    "sqrt": (1, np.sqrt),
    "square": (1, np.square),
    "tan": (1, np.tan),
    "where": (3, lambda condition, yes, no: np.where(condition != 0, yes, no)),
}
"""How many values each takes, and what it does."""

BINARY: dict[type[ast.AST], Any] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
UNARY: dict[type[ast.AST], Any] = {ast.USub: np.negative, ast.UAdd: np.positive}

_TOKEN = re.compile(
    r"[ \t]+"
    r"|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![A-Za-z_0-9.])"
    r"|[A-Za-z_][A-Za-z_0-9]*"
    r"|\*\*|[<>=!]=|[-+*/%<>(),]",
    re.ASCII,
)


@dataclass(frozen=True, eq=False)
class Formula:
    """A formula that has been read: a function of channels.

    Attributes
    ----------
    text : str
    names : mapping of str to int
        The channels in it, and at which character each stands first, from 1.
    constants : mapping of str to int
        The same of pi and e.
    """

    text: str
    names: Mapping[str, int]
    constants: Mapping[str, int]
    _evaluate: Evaluate

    def __call__(
        self, channels: Mapping[str, NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Work it out: the values of each channel (n,) -> (n,)."""
        return np.asarray(self._evaluate(channels), np.float64)

    def check_names(self, known: Mapping[str, int]) -> None:
        """Refuse names that are no channels, or as well a channel as a constant.

        Parameters
        ----------
        known : mapping of str to int
            The number of the channel that each name means.

        Raises
        ------
        ValueError
            It says which, and where.
        """
        for name, place in self.names.items():
            if name not in known:
                raise ValueError(
                    f"Expected channels among {sorted(known)!s:.80}, got {name!r:.40} "
                    f"at character {place} of {self.text!r:.80}."
                )
        for name, place in self.constants.items():
            if name in known:
                raise ValueError(
                    f"Expected a channel that is called as a constant by its number, "
                    f"got {name!r} at character {place} of {self.text!r:.80}; write "
                    f"c{known[name]} for the channel, or {CONSTANTS[name]:.6g} for the "
                    "constant."
                )


@lru_cache(256)
def _parse(text: str) -> Formula:
    reader = _Reader(text)
    return reader.read()


def parse(text: object) -> Formula:
    """Read a formula.

    Raises
    ------
    ValueError
        The text is not a string, too long, or holds what is not allowed; the
        sentence says at which character.
    """
    if not isinstance(text, str):
        raise ValueError(f"Expected a formula as a string, got {text!r:.80}.")
    if len(text) > MAX_LENGTH:
        raise ValueError(
            f"Expected a formula of at most {MAX_LENGTH} characters, got {len(text)}; "
            "write a shorter one."
        )
    return _parse(text)


class _Reader:
    """Reads one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: dict[str, int] = {}
        self.constants: dict[str, int] = {}

    def refuse(self, what: str, place: int) -> NoReturn:
        raise ValueError(
            f"Expected numbers, channels, functions and operators, got {what} at "
            f"character {place + 1} of {self.text!r:.80}; write such as "
            "(R - G) / (R + G + 1)."
        )

    def read(self) -> Formula:
        # First the characters: nothing else reaches Python's parser.
        place = 0
        while place < len(self.text):
            token = _TOKEN.match(self.text, place)
            if token is None:
                self.refuse(repr(self.text[place]), place)
            place = token.end()
        start = len(self.text) - len(self.text.lstrip())
        if start == len(self.text):
            self.refuse("nothing", 0)
        try:
            tree = ast.parse(self.text[start:], mode="eval")
        except SyntaxError as error:
            # Python gives 0 where more was expected at the end.
            at = start + error.offset - 1 if error.offset else len(self.text)
            self.refuse(repr(self.text[at : at + 1]) if error.offset else "the end", at)
        except (MemoryError, RecursionError):
            self.refuse("brackets nested too deep", start)
        self.start = start
        evaluate = self.visit(tree.body, 0)
        if not self.names:
            self.refuse("no channel", 0)
        return Formula(self.text, self.names, self.constants, evaluate)

    def visit(self, node: ast.AST, depth: int) -> Evaluate:
        place = self.start + getattr(node, "col_offset", 0)
        if depth > MAX_DEPTH:
            self.refuse("a part nested too deep", place)
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(
                value, bool
            ):
                return self.number(float(value), place)
            case ast.Name(id=name) if name in CONSTANTS:
                self.constants.setdefault(name, place + 1)
                return self.number(CONSTANTS[name], place)
            case ast.Name(id=name) if name in FUNCTIONS:
                self.refuse(f"{name} without (...)", place)
            case ast.Name(id=name):
                self.names.setdefault(name, place + 1)
                return lambda channels: channels[name]
            case ast.UnaryOp(op=op, operand=operand) if type(op) in UNARY:
                return self.call(UNARY[type(op)], [operand], depth)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                if isinstance(op, ast.Pow):
                    self.check_exponent(right)
                return self.call(BINARY[type(op)], [left, right], depth)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if (
                type(op) in BINARY
            ):
                return self.call(BINARY[type(op)], [left, right], depth)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                if name not in FUNCTIONS:
                    self.refuse(f"{name}(...), which is not among them,", place)
                wanted, function = FUNCTIONS[name]
                if len(args) != wanted:
                    self.refuse(
                        f"{name}(...) with {len(args)} values in place of {wanted}",
                        place,
                    )
                return self.call(function, args, depth)
        self.refuse(_describe(node), place)

    def number(self, value: float, place: int) -> Evaluate:
        if not np.isfinite(value):
            self.refuse("a number that is too large", place)
        constant = np.float64(value)
        return lambda channels: constant

    def check_exponent(self, node: ast.AST) -> None:
        """Allow small fixed numbers only: larger ones are mistakes."""
        place = self.start + getattr(node, "col_offset", 0)
        match node:
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=ast.Constant() as c):
                value = c.value
            case ast.Constant(value=value):
                pass
            case _:
                self.refuse("an exponent that is not a number", place)
        if not isinstance(value, int | float) or abs(value) > MAX_EXPONENT:
            self.refuse(f"an exponent above {MAX_EXPONENT}", place)

    def call(self, function: Any, nodes: list[Any], depth: int) -> Evaluate:
        arguments = [self.visit(node, depth + 1) for node in nodes]

        def evaluate(channels: Mapping[str, NDArray[np.float64]]) -> Values:
            values = [argument(channels) for argument in arguments]
            # In float64 also where a comparison gives booleans.
            return np.asarray(function(*values), np.float64)

        return evaluate


def _describe(node: ast.AST) -> str:
    """Name what is not allowed."""
    match node:
        case ast.Constant(value=value):
            return repr(value)
        case ast.Compare(ops=[_]):
            return "in, is"
        case ast.BinOp():
            return "an operator of integers, as // or <<,"
        case ast.UnaryOp():
            return "not"
    known = {
        ast.Call: "a call of something that is not a function here",
        ast.Compare: "several comparisons in a row",
        ast.BoolOp: "and, or",
        ast.IfExp: "if, else (use where)",
        ast.Tuple: "a comma",
        ast.Lambda: "lambda",
        ast.Starred: "a lone *",
    }
    return known.get(type(node), type(node).__name__)
