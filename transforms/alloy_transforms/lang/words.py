"""Names outside the language and the rule that each breaks; operators and functions inside it."""

from __future__ import annotations

import ast
from collections.abc import Mapping

BUILTINS: Mapping[str, str] = {
    **dict.fromkeys(("sum",), "L022"),
    **dict.fromkeys(
        ("divmod", "sorted", "reversed", "enumerate", "zip", "map", "filter", "any", "all", "range", "ord", "chr",
         "hex", "bin", "oct", "iter", "next", "complex", "slice", "isinstance", "issubclass", "callable", "id", "hash",
         "input", "object", "memoryview", "bytearray", "bytes", "vars", "locals", "globals", "dir", "super"), "L023"),
    **dict.fromkeys(("str", "repr", "format", "ascii"), "L009"),
    **dict.fromkeys(("list", "tuple", "set", "dict", "frozenset"), "L017"),
    **dict.fromkeys(("open", "eval", "exec", "compile", "getattr", "setattr", "hasattr", "delattr", "type"), "L023"),
    "pow": "L019",
    "print": "L043",
}  # fmt: skip
"""Builtin -> rule it breaks."""

LIBM = frozenset(
    ("exp", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh",
     "cosh", "tanh", "asinh", "acosh", "atanh", "pow", "cbrt", "exp2", "hypot", "dist", "gamma", "lgamma", "erf",
     "erfc", "degrees", "radians", "fsum")
)  # fmt: skip
"""Functions of math whose result depends on the machine's C library."""

MATH: Mapping[str, tuple[tuple[str, ...], str]] = {
    "sqrt": (("float",), "float"),
    "floor": (("float",), "int"),
    "ceil": (("float",), "int"),
    "trunc": (("float",), "int"),
    "fabs": (("float",), "float"),
    "fmod": (("float", "float"), "float"),
    "copysign": (("float", "float"), "float"),
    "isnan": (("float",), "bool"),
    "isinf": (("float",), "bool"),
    "isfinite": (("float",), "bool"),
}
"""Functions of math that are exact or correctly rounded everywhere: parameters, result."""

ARITHMETIC: Mapping[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("add", "+"),
    ast.Sub: ("sub", "-"),
    ast.Mult: ("mul", "*"),
    ast.FloorDiv: ("floordiv", "//"),
    ast.Mod: ("mod", "%"),
}
BITWISE: Mapping[type[ast.operator], tuple[str, str]] = {
    ast.BitAnd: ("band", "&"),
    ast.BitOr: ("bor", "|"),
    ast.BitXor: ("bxor", "^"),
    ast.LShift: ("shl", "<<"),
    ast.RShift: ("shr", ">>"),
}
COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.Eq: "eq",
    ast.NotEq: "ne",
}

STATEMENTS: Mapping[type[ast.stmt], tuple[str, str]] = {
    ast.ClassDef: ("L004", "`class`"),
    ast.FunctionDef: ("L005", "a `def` inside a function"),
    ast.AsyncFunctionDef: ("L030", "`async def`"),
    ast.AsyncFor: ("L030", "`async for`"),
    ast.AsyncWith: ("L030", "`async with`"),
    ast.Try: ("L007", "`try`"),
    ast.TryStar: ("L007", "`try`"),
    ast.With: ("L008", "`with`"),
    ast.Global: ("L010", "`global`"),
    ast.Nonlocal: ("L010", "`nonlocal`"),
    ast.Match: ("L026", "this"),
    ast.Assert: ("L027", "this"),
    ast.Delete: ("L028", "`del`"),
    ast.Import: ("L003", "an import inside a function"),
    ast.ImportFrom: ("L003", "an import inside a function"),
}
"""Statements outside the language."""

EXPRESSIONS: Mapping[type[ast.expr], tuple[str, str]] = {
    ast.Lambda: ("L005", "`lambda`"),
    ast.ListComp: ("L006", "a list comprehension"),
    ast.SetComp: ("L006", "a set comprehension"),
    ast.DictComp: ("L006", "a dict comprehension"),
    ast.GeneratorExp: ("L006", "a generator expression"),
    ast.JoinedStr: ("L009", "an f-string"),
    ast.Starred: ("L011", "`*`"),
    ast.List: ("L017", "a list"),
    ast.Set: ("L017", "a set"),
    ast.Tuple: ("L017", "a tuple"),
    ast.Dict: ("L017", "a dict"),
    ast.NamedExpr: ("L025", "`:=`"),
    ast.Await: ("L030", "`await`"),
    ast.Yield: ("L002", "`yield` as a value"),
    ast.YieldFrom: ("L002", "`yield from`"),
    ast.Slice: ("L035", "this"),
}
"""Expressions outside the language, or outside their place."""
