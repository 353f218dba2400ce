"""Every accepted snippet: no refusal, and its IR gives what CPython gives, bit for bit."""

from __future__ import annotations

import pytest
from tests.transforms.lang.corpus import Case, cases
from tests.transforms.lang.differential import compare, generated, report
from tests.transforms.lang.interpreter import Interpreter, bits_of

ACCEPTED = cases("accepted")
INPUTS = 120
SEEDS = (
    (bytes(range(1, 20)), 5, 1.5, True),
    (b"-12.345,678*", -3, -0.25, False),
    (b"\x01\x02\xff\x00", 1 << 40, 1e6, True),
    (b"42", 77, 99.5, False),
    (bytes(8), 2, 0.0, True),
)


@pytest.mark.parametrize("case", ACCEPTED, ids=str)
def test_differential_rows_are_the_same_when_a_snippet_is_accepted(case: Case) -> None:
    checked = report(case.source)
    assert not checked.refusals, [(f.line, f.column, f.rule, f.what) for f in checked.refusals]
    kinds = ["bytes", "int", "float", "bool"] if '"x": "float"' in case.source else ["bytes"]
    seeds = [list(seed[: len(kinds)]) for seed in SEEDS]

    out = compare(case.source, generated(kinds, seeds, INPUTS, 7), checked)

    assert out.rows > 0


def test_corpus_is_large_enough_when_counted() -> None:
    assert len(ACCEPTED) >= 60


def test_element_wise_result_is_the_same_when_the_ir_runs() -> None:
    source = (
        '"""Counts to volts."""\nimport math\n\n\n'
        "def f(x: float, scale: float, fill: float) -> float:\n"
        "    y = x * scale + 0.25\n    if x == fill or y > 1e6:\n        y = -1.0\n"
        "    return math.sqrt(y) if y > 0.0 else y\n"
    )
    checked = report(source)
    assert checked.document is not None
    assert (checked.kind, checked.numeric) == ("map", "f64")
    names: dict[str, object] = {}
    exec(source, names)
    f = names["f"]
    assert callable(f)
    interpreter = Interpreter(checked.document)

    for x, scale, fill in generated(["float"] * 3, [[1.0, 2.0, 3.0]], 500, 3):
        assert bits_of(interpreter.call(x, scale, fill)) == bits_of(f(x, scale, fill))
