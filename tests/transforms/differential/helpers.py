"""One small transform around each function of `kit` and `fmath`, so that every tier can be asked for it."""

from __future__ import annotations

import ast
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any

from tests.transforms.differential.subjects import Direct, Subject, loaded

from alloy_transforms.repair import xor8
from alloy_transforms.sandbox.answers import Example

MODULES = ("fmath", "kit")
INNER = ("arctangent", "exp_of")  # take only what their callers bound
FIELDS = {"int": "i64", "float": "f64", "bool": "bool"}
BOUNDED = {"k": 1023, "decimals": 31}  # loop counts: CPython has no fuel
PAYLOADS = (
    bytes.fromhex("0102807fff00fe9980000001c0490fdb"),
    b"$GPVTG,054.70,T,-34.4,M,5.5,N,010.2,K*%02X\r\n" % xor8(b"GPVTG,054.70,T,-34.4,M,5.5,N,010.2,K"),
    b"20240229235959123456789",
    b"-12.5,+0.045,99,1234567890123,7f,00",
    bytes.fromhex("043e1d02010000f4830238c1a41110161a18a4c1380283f400a22f5f0bf819df"),
    bytes.fromhex("0201061bff99040512fc5394c37c0004fffc040cac364200cdcbb8334c884f"),
    bytes.fromhex("1234567890"),
)
VALUES: dict[str, tuple[Any, ...]] = {
    "i": (0, 1, 2, 7), "end": (4, 5, 10, 16, 31), "at": (4, 18, 25), "sep": (44, 0, 36), "k": (0, 1, 3),
    "decimals": (0, 1, 2, 5), "width": (1, 4, 8, 16, 24, 32, 63, 64), "shift": (0, 3, 32, 63), "poly": (0x31, 0x07),
    "init": (0, 0xFF, 0xFFFF), "kind": (0x16, 0xFF), "number": (0x181A, 0x0499), "value": (12345, -1, 1 << 40),
    "c": (48, 53, 57, 65, 70, 97, 102), "word": (0x3FC00000, 0xC0490FDB, 1, 0x7F800000, 0x807FFFFF),
    "year": (1970, 2024, 2100), "month": (1, 2, 12), "day": (1, 28, 29, 31), "second": (0, 3600, 86400),
    "quarter": (0, 1, 2, 3),
}  # fmt: skip
FLOATS = (0.5, -1.25, 2.0, 1e-3, 123.456, 0.7071067811865476, 700.0)
TEMPLATE = """import {module}

INPUT = {{{inputs}}}
OUTPUT = {{"r": {{"type": "{result}"}}}}


def transform({parameters}) -> dict:
    return {{"r": {module}.{function}({arguments})}}
"""


def _functions() -> dict[str, tuple[str, ast.FunctionDef]]:
    out = {}
    for module in MODULES:
        text = resources.files("alloy_transforms.portable").joinpath(f"{module}.py").read_text("utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and node.name not in INNER:
                out[f"{module}_{node.name}"] = (module, node)
    return out


def _parameters(node: ast.FunctionDef) -> list[tuple[str, str]]:
    return [(a.arg, ast.unparse(a.annotation)) for a in node.args.args if a.annotation is not None]


def _source(module: str, node: ast.FunctionDef) -> str:
    given = _parameters(node)
    assert node.returns is not None
    return TEMPLATE.format(
        module=module,
        function=node.name,
        inputs=", ".join(f'"{name}": "{kind}"' for name, kind in given),
        result=FIELDS[ast.unparse(node.returns)],
        parameters=", ".join(f"{name}: {kind}" for name, kind in given),
        arguments=", ".join(f"{name} & {BOUNDED[name]}" if name in BOUNDED else name for name, _ in given),
    )


def _values(name: str, kind: str) -> tuple[Any, ...]:
    return FLOATS if kind == "float" else PAYLOADS if kind == "bytes" else VALUES[name]


FUNCTIONS = _functions()
SOURCES = {name: _source(*function) for name, function in FUNCTIONS.items()}


@cache
def subject(name: str) -> Subject:
    """The transform around one function."""
    made = loaded(name, SOURCES[name])
    known = [_values(*parameter) for parameter in _parameters(FUNCTIONS[name][1])]
    names = [n for n, _ in made.contract.inputs]
    seeds = [
        {
            n: values[(r * (j + 1) + r // 5) % len(values)]
            for j, (n, values) in enumerate(zip(names, known, strict=True))
        }
        for r in range(3 * max(map(len, known)))
    ]
    answers = Direct(made).run([tuple(seed.values()) for seed in seeds]).rows
    examples = [Example(seed, ({},)) for seed, rows in zip(seeds, answers, strict=True) if rows]
    return replace(made, examples=tuple(examples))


def subjects() -> dict[str, Subject]:
    """All of them."""
    return {name: subject(name) for name in SOURCES}
