"""A built module in a Python process of its own: its rows, state and errors are those of the sandbox."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import zipfile
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.builds import EVERY, MAP, build
from tests.transforms.in_process import InProcess

from alloy_transforms.sandbox.columns import rows_of
from alloy_transforms.sandbox.examples import differences, inputs_of
from alloy_transforms.sandbox.protocol import decode_state

pytestmark = pytest.mark.slow

ASK = """
import json, sys
import {package} as m
out = []
for args, kwargs in json.load(sys.stdin):
    args = [bytes.fromhex(a["hex"]) if isinstance(a, dict) and "hex" in a else a for a in args]
    try:
        got = m.{function}(*args, **kwargs)
    except Exception as error:
        got = [type(error).__name__, str(error)]
    out.append(got)
json.dump([m.ABI, m.SCHEMA.decode(), out], sys.stdout, default=bytes.hex)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three modules, unpacked into `site`."""
    path = tmp_path_factory.mktemp("face")
    (path / "every.py").write_text(EVERY)
    (path / "volts.py").write_text(MAP)
    for module in build("every.py", "volts.py", "elsys_ers", cwd=path):
        with zipfile.ZipFile(path / module["path"]) as archive:
            archive.extractall(path / "site")
    return path


def ask(folder: Path, name: str, calls: list[Any], function: str = "transform") -> tuple[int, str, list[Any]]:
    """ABI, schema and answers of a module in a Python process of its own."""
    code = ASK.format(package=f"alloy_module_{name}", function=function)
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(folder / 'site')!r})\n{code}"],
        input=json.dumps(calls), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    abi, schema, answers = json.loads(done.stdout)
    return abi, schema, answers


def call(*values: Any, **kwargs: Any) -> list[Any]:
    return [[{"hex": v.hex()} if isinstance(v, bytes) else v for v in values], kwargs]


def native(rows: list[dict[str, Any]], sandbox: InProcess) -> list[dict[str, Any]]:
    """Rows of a module as the sandbox shows them: enum by name, bytes as bytes."""
    fields = {f.name: f for f in sandbox.contract.outputs}
    return [
        {
            k: fields[k].names[v]
            if fields[k].type == "enum"
            else bytes.fromhex(v)
            if fields[k].type == "bytes"
            else v
            for k, v in row.items()
        }
        for row in rows
    ]


def test_rows_and_state_are_those_of_the_sandbox_when_every_type_is_used(folder: Path) -> None:
    inputs = [
        (b"\x05\x08abcdefgh", -(1 << 63), 1.25, True),
        (b"\x00\x08", 1, 0.0, False),
        (b"\x03\x09zz", 5, 2.0, True),  # data.div
        (b"", 5, 2.0, True),  # data.index
        (b"\x0a\xff" + bytes(range(40)), (1 << 63) - 1, -3e300, False),
        (b"\x02\x01" + "µ°".encode(), 3, 1.0, False),
        (b"\x02\x01\xff\xfe", 3, 1.0, False),  # data.value: no UTF-8
        (b"\x0b\x01abc", 0, 1.0, True),  # more rows than MAX_ROWS: script.output
    ]
    sandbox = InProcess(EVERY)
    expected: list[Any] = []
    state = sandbox.first_state
    for values in inputs:
        reply = sandbox.run(*[[v] for v in values], state=state)
        state = reply.state or b""
        expected.append(reply.errors[0].code if reply.errors else rows_of(sandbox.contract, reply))
    answers: list[Any] = []
    carried = {"count": 7, "mean": 0.5, "seen": True}
    for values in inputs:  # the state goes from call to call, as a notebook does it
        _, _, (answer,) = ask(folder, "every", [call(*values, state=carried)])
        if answer[0] == "ValueError":
            answers.append(answer[1])
        else:
            answers.append(native(answer[0], sandbox))
            carried = answer[1]

    assert answers == expected
    assert [a for a in expected if isinstance(a, str)] == [
        "data.div",
        "data.index",
        "data.value",
        "script.output",
    ]
    assert carried == decode_state(state)


def test_first_state_is_that_of_the_file_when_none_is_given(folder: Path) -> None:
    _, _, (got,) = ask(folder, "every", [call(b"\x00\x00", 1, 1.0, True)])

    assert got == [[], {"count": 7, "mean": 0.5, "seen": True}]


def test_errors_are_pythons_when_a_module_is_called_wrongly(folder: Path) -> None:
    good = (b"\x01\x01", 1, 1.0, True)
    state = {"count": 1, "mean": 0.0, "seen": False}
    _, _, answers = ask(
        folder,
        "every",
        [
            call(*good[:3]),
            call("text", 1, 1.0, True),
            call(b"", 1.5, 1.0, True),
            call(b"", 1 << 64, 1.0, True),
            call(*good, state, 1),
            call(*good, state, state=state),
            call(*good, other=state),
            call(*good, state={}),
            call(*good, state={**state, "count": "1"}),
            call(*good, state={"count": 1, "mean": 0.0, "sen": False}),
            call(bytes(65_537), 1, 1.0, True),
        ],
    )

    assert [a[0] for a in answers] == [
        "TypeError", "TypeError", "TypeError", "OverflowError", "TypeError", "TypeError", "KeyError", "ValueError",
        "TypeError", "KeyError", "ValueError",
    ]  # fmt: skip
    assert answers[0][1] == "the arguments are (payload, n, x, on, /, state=None)"
    assert answers[-1][1] == "declined"


def test_elements_are_those_of_python_when_a_map_is_called(folder: Path) -> None:
    abi, _, answers = ask(folder, "volts", [call(3, 1), call(-1, 0.0), call(1e308, -1e308), call(1)], "f")

    assert abi == 1
    assert answers[:2] == [1.0, ["ValueError", "data.value"]]
    assert answers[2] == math.inf
    assert answers[3] == ["TypeError", "the arguments are (x, zero, /)"]


def test_examples_hold_when_a_transform_of_the_library_is_built(folder: Path) -> None:
    source = resources.files("alloy_transforms.library").joinpath("elsys_ers.py").read_text("utf-8")
    sandbox = InProcess(source)
    examples = sandbox.examples()

    _, _, answers = ask(folder, "elsys_ers", [call(*inputs_of(sandbox.contract, e)) for e in examples])

    assert len(examples) >= 3
    for example, answer in zip(examples, answers, strict=True):
        code = answer[1] if answer and answer[0] == "ValueError" else ""
        rows = [] if code else native(answer, sandbox)
        assert differences(sandbox.contract, example, rows, code) == []


def test_nothing_is_leaked_when_a_module_is_called_often(folder: Path) -> None:
    code = (
        "import sys, gc; sys.path.insert(0, 'site')\nimport alloy_module_every as m\n"
        "args = (b'\\x05\\x08abcdefgh' * 9, 1 << 40, 1.25, True)\n"
        "state = {'count': 1 << 40, 'mean': 0.5, 'seen': True}\n"
        "def work():\n"
        "    for _ in range(2000):\n"
        "        m.transform(*args, state=state)\n"
        "        for bad in ((b'', *args[1:]), args[:2], ('x', *args[1:])):\n"
        "            try: m.transform(*bad)\n"
        "            except (TypeError, ValueError): pass\n"
        "work(); gc.collect()\nbefore = sys.getallocatedblocks(), *map(sys.getrefcount, (*args, state))\n"
        "work(); gc.collect()\nafter = sys.getallocatedblocks(), *map(sys.getrefcount, (*args, state))\n"
        "assert all(abs(a - b) < 50 for a, b in zip(before, after)), (before, after)\n"
    )

    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=folder, capture_output=True, text=True, timeout=300
    )

    assert done.returncode == 0, done.stderr
