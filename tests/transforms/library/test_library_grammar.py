"""Portable transforms and `kit` use only the syntax of the portable language.

Not the language checker: it looks at the kinds of syntax, so that a slip is seen when it is made.
"""

from __future__ import annotations

import ast
from importlib import resources

import pytest

PORTABLE = (
    "portable/kit.py",
    "portable/fmath.py",
    *sorted(
        f"library/{entry.name}"
        for entry in resources.files("alloy_transforms.library").iterdir()
        if entry.name.endswith(".py") and not entry.name.startswith(("_", "lns_"))
    ),
)
IMPORTS = {"kit", "fmath", "math"}
MATH = {"math.floor", "math.ldexp", "math.frexp", "math.isinf", "math.copysign"}
DECLARATIONS = {"INPUT", "OUTPUT", "PARAMS", "STATE", "EXAMPLES", "MAX_ROWS", "NEEDS"}
STATEMENTS = (
    ast.Assign,
    ast.If,
    ast.While,
    ast.For,
    ast.Return,
    ast.Raise,
    ast.Break,
    ast.Continue,
    ast.Pass,
)
EXPRESSIONS = (ast.Name, ast.Constant, ast.Call, ast.Compare, ast.BoolOp, ast.BinOp, ast.UnaryOp)
EXPRESSIONS += (ast.Subscript, ast.Slice, ast.IfExp)
CALLS = {"len", "abs", "min", "max", "int", "float", "bool", "range", "ValueError", "OverflowError"}


def is_row(node: ast.AST) -> bool:
    """A yielded row or the start of one."""
    return isinstance(node, ast.Dict)


def is_constant(node: ast.expr) -> bool:
    """A number, a table of whole numbers, or a whole number over a power of two."""
    if isinstance(node, ast.Tuple):
        return all(isinstance(ast.literal_eval(each), int) for each in node.elts)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Div) and ast.unparse(node.right).startswith("2 ** ")
    return isinstance(node, ast.Constant)


def check_expression(node: ast.expr, functions: set[str]) -> None:
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            called = ast.unparse(each.func)
            assert called in CALLS | MATH | functions or called.startswith(("kit.", "fmath.")), called
            assert not each.keywords
        elif isinstance(each, ast.Attribute):
            assert ast.unparse(each).startswith(("kit.", "fmath.", "math."))
        elif isinstance(each, ast.expr):
            assert isinstance(each, EXPRESSIONS), ast.dump(each)
        if isinstance(each, ast.Constant):
            assert isinstance(each.value, int | float | bytes | str | bool)


def check_body(body: list[ast.stmt], functions: set[str]) -> None:
    for node in body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield):
            assert node.value.value is not None
            if is_row(node.value.value):
                continue
            check_expression(node.value.value, functions)
            continue
        assert isinstance(node, STATEMENTS), ast.dump(node)
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.expr) and not is_row(value):
                check_expression(value, functions)
            elif isinstance(value, list) and name in ("body", "orelse"):
                check_body(value, functions)
        if isinstance(node, ast.For):
            assert ast.unparse(node.iter).startswith("range(")
        if isinstance(node, ast.Return):
            assert node.value is not None


@pytest.mark.parametrize("path", PORTABLE)
def test_a_portable_file_keeps_to_its_grammar_when_its_source_is_read(path: str) -> None:
    tree = ast.parse(resources.files("alloy_transforms").joinpath(path).read_text("utf-8"))
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body[1:]:
        if isinstance(node, ast.Import):
            assert {each.name for each in node.names} <= IMPORTS
        elif isinstance(node, ast.Assign):
            (target,) = node.targets
            assert isinstance(target, ast.Name)
            assert target.id in DECLARATIONS or is_constant(node.value)
        else:
            assert isinstance(node, ast.FunctionDef), ast.dump(node)
            assert node.returns is not None
            assert all(each.annotation is not None for each in node.args.args)
            documented = ast.get_docstring(node) is not None
            assert documented or node.name == "transform"
            check_body(node.body[documented:], functions)
