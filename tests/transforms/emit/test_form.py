"""Documents that are not well formed are refused by their code; what is accepted compiles."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from tests.transforms.emit.compiled import build
from tests.transforms.emit.snippets import HEAD, sources
from tests.transforms.lang.differential import report

from alloy_transforms import emit
from alloy_transforms.errors import ScriptError

LIBRARY = resources.files("alloy_transforms.library")
SOURCE = (
    HEAD
    + """    k = n & 255
    t = 0
    for i in range(k):
        t = t + TABLE[i % 6] + half(i)
    if on and x < y:
        out["v"] = t
    out["w"] = math.sqrt(x * x) / 3.0
    out["u"] = b[0] + kit.u16be(b, 1)
    out["raw"] = b[1:n & 63]
    return out
"""
)
TRUE = {"o": "const", "t": "bool", "v": True}
Change = Callable[[dict[str, Any]], None]


@cache
def checked(source: str) -> dict[str, Any]:
    doc = report(source).document
    assert doc is not None
    return doc


def document(source: str = SOURCE) -> dict[str, Any]:
    return copy.deepcopy(checked(source))


def main(doc: dict[str, Any]) -> dict[str, Any]:
    return next(f for f in doc["functions"] if f["name"] == doc["entry"])


def statement(doc: dict[str, Any], op: str) -> Any:
    return next(s for s in main(doc)["body"] if s["s"] == op)


def expression(doc: dict[str, Any], op: str) -> Any:
    found: list[Any] = []

    def search(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("o") == op:
                found.append(node)
            for v in node.values():
                search(v)
        elif isinstance(node, list):
            for v in node:
                search(v)

    search(main(doc))
    return found[0]


def deep(doc: dict[str, Any]) -> None:
    e = expression(doc, "and")
    for _ in range(1000):
        e["a"] = (
            [{"o": "not", "t": "bool", "lo": 0, "hi": 1, "a": e["a"]}] if len(e["a"]) == 1 else e["a"][:1]
        )


CHANGES: dict[str, Change] = {
    "another version": lambda d: d.update(ir=2),
    "no version": lambda d: d.pop("ir"),
    "another kind": lambda d: d.update(kind="module", entry=""),
    "no entry": lambda d: d.update(entry="nothing"),
    "an entry of another kind": lambda d: d.update(entry="half"),
    "rows without end": lambda d: d.update(max_rows=65),
    "inputs that are longer": lambda d: d.update(max_input=1 << 20),
    "an input of another type": lambda d: d["inputs"][0].__setitem__(1, "text"),
    "inputs in another order": lambda d: d["inputs"].reverse(),
    "an output of no type": lambda d: d["outputs"][0].update(type="u64"),
    "an output with half its limits": lambda d: d["outputs"][0].pop("lo"),
    "an output with limits beyond 64 bits": lambda d: d["outputs"][0].update(hi=1 << 64),
    "two outputs of one name": lambda d: d["outputs"].append(d["outputs"][0]),
    "a state value of another type": lambda d: d["state"].append(["s", "int", True]),
    "a table of nothing": lambda d: d["tables"][0].__setitem__(1, []),
    "a table of two types": lambda d: d["tables"][0][1].append({"f64": "0x1p0"}),
    "a table without end": lambda d: d["tables"][0].__setitem__(1, [1] * 5000),
    "two functions of one name": lambda d: d["functions"].append(d["functions"][0]),
    "functions without end": lambda d: d.update(functions=d["functions"] * 300),
    "a callee that stands behind": lambda d: d["functions"].reverse(),
    "a function that calls itself": lambda d: expression(d, "call").update(v="transform"),
    "a call with too few operands": lambda d: expression(d, "call").update(a=[]),
    "a variable that is not there": lambda d: expression(d, "var").update(v="nothing"),
    "a variable twice": lambda d: main(d)["vars"].append(main(d)["vars"][0]),
    "a variable of no type": lambda d: main(d)["vars"].append(["q", "str", {"lo": 0, "hi": 1}]),
    "a hull upside down": lambda d: main(d)["vars"].append(["q", "int", {"lo": 2, "hi": 1}]),
    "a hull beyond 128 bits": lambda d: main(d)["vars"].append(["q", "int", {"lo": 0, "hi": 1 << 127}]),
    "a hull of floats for an int": lambda d: main(d)["vars"].append(["q", "int", {"lo": 0.0, "hi": 1.0}]),
    "a hull of ints for a float": lambda d: main(d)["vars"].append(["q", "float", {"lo": 0, "hi": 1}]),
    "an operation of no kind": lambda d: expression(d, "add").update(o="exec"),
    "an operation on another type": lambda d: expression(d, "add").update(t="bytes"),
    "an operand of another type": lambda d: expression(d, "add").update(a=[TRUE] * 2),
    "an operand too many": lambda d: expression(d, "add")["a"].append({"o": "const", "t": "int", "v": 1}),
    "a constant of another type": lambda d: expression(d, "const").update(v={"f64": "0x1p0"}),
    "a constant of no type": lambda d: expression(d, "const").update(v="1; panic!()"),
    "a constant beyond 128 bits": lambda d: expression(d, "const").update(v=1 << 130),
    "a checked result of 128 bits": lambda d: expression(d, "add").update(checked=True, hi=1 << 64),
    "a checked comparison": lambda d: expression(d, "lt").update(checked=True),
    "an error the operation does not have": lambda d: expression(d, "index").update(faults=["data.div"]),
    "an error code of no kind": lambda d: main(d)["body"].append({"s": "raise", "code": "script.wall"}),
    "a statement of no kind": lambda d: main(d)["body"].append({"s": "asm", "at": [1, 1]}),
    "a break outside a loop": lambda d: main(d)["body"].append({"s": "break", "at": [1, 1]}),
    "a step of zero": lambda d: statement(d, "for").update(step=0),
    "trips without end": lambda d: statement(d, "for").update(trips=1 << 65),
    "trips below zero": lambda d: statement(d, "for").update(trips=-1),
    "a field that is not there": lambda d: statement(d, "put").update(field="nothing"),
    "a field of another type": lambda d: statement(d, "put").update(field="mode", e=[TRUE]),
    "a row that is not there": lambda d: statement(d, "emit").update(row="nothing"),
    "a range of a field without limits": lambda d: statement(d, "emit").update(ranges=["w"]),
    "a row in a helper": lambda d: d["functions"][0]["body"].insert(0, {"s": "row", "row": "out", "at": [1, 1]}),
    "a result of the entry": lambda d: main(d)["body"].append({"s": "return", "e": [], "at": [1, 1]}),
    "a format of no kind": lambda d: main(d)["body"].append({"s": "unpack", "format": "@q", "to": ["k"], "e": []}),
    "no body": lambda d: main(d).pop("body"),
    "a body that is a text": lambda d: main(d).update(body="break"),
    "nesting without end": deep,
}  # fmt: skip


@pytest.mark.parametrize("title", CHANGES)
def test_a_document_is_refused_when_it_has(title: str) -> None:
    doc = document()
    CHANGES[title](doc)

    with pytest.raises(ScriptError) as refused:
        emit.many([doc])

    assert refused.value.code == "build.ir"


def test_a_document_is_refused_when_it_is_none() -> None:
    for doc in ({}, {"ir": 1}, {"ir": 1, "kind": "record"}):
        with pytest.raises(ScriptError) as refused:
            emit.crate(doc, schema=b"")
        assert refused.value.code == "build.ir"


def test_a_module_is_refused_when_its_name_is_no_plain_one() -> None:
    with pytest.raises(ScriptError):
        emit.module(document(), name="x { } fn main() {")


@pytest.mark.slow
def test_what_is_accepted_compiles_without_a_panic_when_documents_are_changed_at_random(
    tmp_path: Path,
) -> None:
    chance = random.Random(20260105)
    seeds = [
        document(),
        *(document(LIBRARY.joinpath(f"{n}.py").read_text("utf-8")) for n in ("ruuvi_df3", "sds011")),
    ]
    seeds += [
        document(s)
        for t, s in sources().items()
        if t in ("for nested", "unpack several", "v checked", "frexp")
    ]
    accepted: list[dict[str, Any]] = []
    refused = 0
    codes = set()
    for _ in range(1_000):
        doc = copy.deepcopy(chance.choice(seeds))
        for _ in range(chance.choice((1, 1, 2, 4))):
            mutate(doc, chance)
        try:
            emit.many([doc])
        except ScriptError as error:
            codes.add(error.code)
            refused += 1
        else:
            accepted.append(doc)

    made = build(emit.many(accepted[:100]), tmp_path)

    assert codes == {"build.ir"}
    assert refused > 500
    assert len(accepted) > 50
    assert b".rs" not in made.read_bytes()  # the place of a panic


def mutate(doc: Any, chance: random.Random) -> None:
    """Change one place of a document into something else of the same or another kind."""
    places: list[tuple[Any, Any]] = []
    pool: list[Any] = [
        0,
        -1,
        1 << 63,
        1 << 126,
        True,
        None,
        "",
        "int",
        "float",
        "bytes",
        "bool",
        {},
        [],
        {"f64": "nan"},
    ]

    def search(node: Any) -> None:
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for key, v in items:
            places.append((node, key))
            pool.append(v)
            if isinstance(v, dict | list):
                search(v)

    search(doc)
    node, key = chance.choice(places)
    how = chance.random()
    if how < 0.2:
        del node[key]
    elif how < 0.5:
        alike = [v for v in pool if type(v) is type(node[key])]
        node[key] = copy.deepcopy(chance.choice(alike))
    elif how < 0.7 and isinstance(node[key], int):
        node[key] += chance.choice((1, -1, 255, -(1 << 63)))
    else:
        node[key] = copy.deepcopy(chance.choice(pool))
