"""Random portable programs: one seed, one file that the checker nearly always accepts, and inputs for it."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.transforms.programs import bodies
from tests.transforms.programs.chance import Chance, literal
from tests.transforms.programs.inputs import inputs_for
from tests.transforms.programs.scope import BOOL, BYTES, FLOAT, INT, Declared, Helper

INPUTS = 50
"""Inputs of one program."""


@dataclass(frozen=True)
class Program:
    """One generated file.

    Attributes:
        wild: built to overflow: its integers are rarely masked.
        inputs: one list of values an input, in the order of INPUT (or of the parameters of `f`).
    """

    seed: int
    source: str
    kind: str  # record or map
    wild: bool
    inputs: Sequence[Sequence[Any]]
    tree: ast.Module = field(repr=False, compare=False)


def written(source: str, inputs: Sequence[Sequence[Any]], seed: int = -1) -> Program:
    """A program that was not generated, or was changed since."""
    tree = ast.parse(source)
    kind = "map" if any(isinstance(n, ast.FunctionDef) and n.name == "f" for n in tree.body) else "record"
    return Program(seed, source, kind, False, inputs, tree)


def generate(seed: int, inputs: int = INPUTS) -> Program:
    """The program of a seed."""
    chance = Chance(seed)
    declared = Declared("int" if chance.often(28) else "f64", chance.often(8), 30 if chance.often(8) else 2)
    if declared.numeric == "f64" and chance.often(14):
        return _element_wise(seed, chance, declared, inputs)
    _declare(chance, declared)
    helpers = [_helper(chance, declared, k) for k in range(chance.among(((5, 0), (3, 1), (2, 2), (1, 4))))]
    body, shortest = bodies.transform(chance, declared, chance.randrange(2, 7))
    params = [f"{n}: {kind}" for n, kind in declared.inputs.items()] + (["s: dict"] if declared.state else [])
    head = f"def transform({', '.join(params)}) -> dict:"
    source = _file(declared, [*helpers, [head, *body]])
    tree = ast.parse(source)
    given = inputs_for(chance, tree, declared.inputs, shortest, inputs)
    return Program(seed, source, "record", declared.wild, given, tree)


def _element_wise(seed: int, chance: Chance, declared: Declared, inputs: int) -> Program:
    _constants(chance, declared)
    names = ["x", "a", "b"][: chance.among(((4, 1), (4, 2), (2, 3)))]
    helpers = [_helper(chance, declared, k) for k in range(chance.among(((6, 0), (3, 1))))]
    body = bodies.element(chance, declared, names, chance.randrange(0, 6))
    head = f"def f({', '.join(f'{n}: float' for n in names)}) -> float:"
    source = _file(declared, [*helpers, [head, *body]], contract=False)
    tree = ast.parse(source)
    given = inputs_for(chance, tree, dict.fromkeys(names, FLOAT), 0, inputs)
    return Program(seed, source, "map", declared.wild, given, tree)


def _declare(chance: Chance, declared: Declared) -> None:
    """INPUT, OUTPUT, PARAMS, STATE and constants."""
    floats = declared.numeric != "int"
    if chance.often(90):
        declared.inputs["payload"] = BYTES
    for name, kind, percent in (
        ("n", INT, 45),
        ("m", INT, 20),
        ("x", FLOAT, 45),
        ("y", FLOAT, 15),
        ("on", BOOL, 20),
        ("more", BYTES, 8),
    ):
        if (kind != FLOAT or floats) and chance.often(percent):
            declared.inputs[name] = kind
    if not declared.inputs:
        declared.inputs["n"] = INT
    types = ["i8", "i16", "i32", "i64", "i64", "u8", "u16", "u32", "bool", "enum", "bytes"] + [
        "f64"
    ] * 5 * floats
    types += ["i64"] * 8 * declared.wild
    for k in range(chance.among(((3, 2), (4, 3), (3, 4), (2, 6)))):
        declared.outputs[f"o{k}"] = _field(chance, chance.choice(types))
    if chance.often(10):
        declared.outputs["at"] = {"type": "time_ns", "optional": True}
    if chance.often(12):
        declared.outputs["label"] = {"type": "text", "max": 8, "optional": True}
    if chance.often(40):
        declared.max_rows = chance.choice((2, 4, 8, 16, 64))
    if chance.often(35):
        for k in range(chance.randrange(1, 4)):
            kind = chance.choice((INT, INT, FLOAT, BOOL) if floats else (INT, INT, BOOL))
            declared.state[f"k{k}"] = _scalar(chance, kind)
    if chance.often(30):
        for k in range(chance.randrange(1, 3)):
            declared.params[f"p{k}"] = _scalar(
                chance, chance.choice((INT, FLOAT, BOOL, BYTES) if floats else (INT, BOOL, BYTES))
            )
    _constants(chance, declared)


def _field(chance: Chance, kind: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"type": kind}
    if kind == "enum":
        spec["names"] = ("off", "on", "auto", "fault")[: chance.randrange(1, 5)]
    if kind == "bytes":
        spec["max"] = chance.choice((2, 8, 16, 64))
    if chance.often(40):
        spec["optional"] = True
    return spec


def _scalar(chance: Chance, kind: str) -> Any:
    if kind == INT:
        return chance.choice((-(1 << 63), chance.integer((1 << 63) - 1), chance.integer((1 << 63) - 1)))
    if kind == FLOAT:
        return chance.number()
    return chance.often(50) if kind == BOOL else chance.text(chance.randrange(1, 9))


def _constants(chance: Chance, declared: Declared) -> None:
    """Constants: literals, folded arithmetic, tables."""
    floats = declared.numeric != "int"
    for k in range(chance.randrange(0, 4)):
        name = f"C{k}"
        how = chance.randrange(6 if floats else 4)
        if how == 0:
            text = literal(chance.text(chance.randrange(1, 10)))
        elif how == 1:
            a, b = chance.integer(1 << 60), chance.integer(1 << 30) or 7
            text = f"{literal(a)} {chance.choice(('+', '-', '*', '//', '%', '&', '|', '^'))} {literal(b)}"
        elif how == 2:
            entries = [literal(chance.integer()) for _ in range(chance.choice((1, 3, 4, 8, 11)))]
            text = f"({', '.join(entries)},)"
        elif how == 3:
            text = chance.choice(
                (
                    f"{literal(chance.integer())}",
                    f"{chance.randrange(1, 9)} << {chance.randrange(0, 66)}",
                    "True",
                    "~5",
                    "-7 >> 1",
                    "3 ** 20",
                )
            )
        elif how == 4:
            text = chance.choice(
                (
                    literal(chance.number(True)),
                    f"{literal(chance.number())} * 3",
                    f"{chance.integer(1 << 53)} / 2**40",
                )
            )
        else:
            entries = [literal(chance.number()) for _ in range(chance.choice((1, 3, 4, 8)))]
            text = f"({', '.join(entries)},)"
        declared.constants[name] = eval(text)
        declared.lines.append(f"{name} = {text}")


def _helper(chance: Chance, declared: Declared, k: int) -> list[str]:
    """One function of the file: its lines; it can be called from here on."""
    kinds = [INT, INT, BOOL, BYTES, *((FLOAT, FLOAT) if declared.numeric != "int" else ())]
    params = [(f"a{i}", chance.choice(kinds)) for i in range(chance.randrange(1, 4))]
    result = chance.choice([kind for kind in kinds if kind != BYTES])
    lines = bodies.helper(chance, declared, params, result)
    declared.helpers.append(Helper(f"h{k}", tuple(params), result))
    return [f"def h{k}({', '.join(f'{n}: {kind}' for n, kind in params)}) -> {result}:", *lines]


def _file(declared: Declared, functions: list[list[str]], contract: bool = True) -> str:
    lines = ['"""Generated."""', *(f"import {m}" for m in sorted(declared.imports)), *declared.lines]
    if contract:
        lines.append(f"INPUT = {declared.inputs}")
        lines.append(f"OUTPUT = {declared.outputs}")
        lines += [
            f"{name.upper()} = {value}"
            for name, value in (("params", declared.params), ("state", declared.state))
            if value
        ]
        if declared.max_rows > 1:
            lines.append(f"MAX_ROWS = {declared.max_rows}")
    for each in functions:
        lines += ["", "", *each]
    return "\n".join(lines) + "\n"
