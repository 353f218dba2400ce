"""What the checker reads in a source, and what a module may do while it is loaded."""

from __future__ import annotations

import pytest
from tests.transforms.in_process import InProcess, RefusedError

from alloy_transforms.sandbox.checker import MAX_SOURCE_BYTES, Rejected, check
from alloy_transforms.sandbox.contract import Profile
from alloy_transforms.sandbox.modules import BOARDKIT_HINT

HEAD = 'OUTPUT = {"v": {"type": "u8"}}\n'
TAIL = "def transform(payload):\n    return {'v': 1}\n"
TYPED = "def transform(payload: bytes) -> dict:\n    return {'v': len(payload)}\n"


def problems(source: str | bytes) -> list[tuple[str, int]]:
    body = source.encode() if isinstance(source, str) else source
    with pytest.raises(Rejected) as caught:
        check(body, "t.py")
    return [(p.code, p.line) for p in caught.value.problems]


@pytest.mark.parametrize(
    ("imports", "profile"),
    [
        ("import struct, math, binascii", Profile.PORTABLE),
        ("import math\ndef half(x) -> float:\n    return x / 2\n", Profile.GATEWAY),
        ("import json", Profile.GATEWAY),
        ("import math\nPROFILE = 'gateway'", Profile.GATEWAY),
        ("from collections import deque", Profile.GATEWAY),
    ],
)
def test_profile_is_derived_when_imports_are_read(imports: str, profile: Profile) -> None:
    checked = check(f"{imports}\n{HEAD}{TYPED}".encode(), "t.py")

    assert checked.profile is profile
    assert checked.reason.startswith("line 2: the parameter `x` of `half`") == ("half" in imports)


def test_refusals_are_problems_when_the_file_says_it_is_portable() -> None:
    source = (
        "PROFILE = 'portable'\n"
        + HEAD
        + "def transform(payload: bytes) -> dict:\n    return {'v': len([1])}\n"
    )
    with pytest.raises(Rejected) as caught:
        check(source.encode(), "t.py")

    (problem,) = caught.value.problems
    assert (problem.code, problem.line, problem.column) == ("build.lang", 4, 22)
    assert problem.what.startswith("L017: a list")


def test_needs_are_derived_when_features_are_used() -> None:
    source = "import json\nSTATE = {'n': 0}\nMAX_ROWS = 4\n" + HEAD + TAIL + "print('loaded')\n"

    assert check(source.encode(), "t.py").needs == ("log", "modules:json", "rows:4", "state")


def test_needs_are_refused_when_they_say_something_else() -> None:
    source = "import json\nNEEDS = ('state', 'memory_mb:64')\n" + HEAD + TAIL
    with pytest.raises(Rejected) as caught:
        check(source.encode(), "t.py")

    (problem,) = caught.value.problems
    assert (problem.code, problem.line) == ("build.lang", 2)
    assert (problem.got, problem.expected) == ("declared state", "used modules:json")


def test_needs_are_taken_when_they_fit_and_add_limits() -> None:
    source = "import json\nNEEDS = ('modules:json', 'memory_mb:64')\n" + HEAD + TAIL

    assert check(source.encode(), "t.py").needs == ("memory_mb:64", "modules:json")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import os\n", ("build.lang", 1)),
        ("import json\n\nimport socket\n", ("build.lang", 3)),
        ("def f():\n    import subprocess\n", ("build.lang", 2)),
        ("from . import other\n", ("build.lang", 1)),
        ("import boardkit\n", ("build.lang", 1)),
        ("import json\nPROFILE = 'portable'\n", ("build.lang", 2)),
        ("PROFILE = 'native'\n", ("build.type", 1)),
        ("PARAMS = {'a': 1}\nB = PARAMS['a'] * 2\n", ("build.lang", 2)),
        ("PARAMS = {'a': 1}\ndef f(x=PARAMS):\n    return x\n", ("build.lang", 2)),
        ("MAX_ROWS = 2 + n\n", ("build.type", 1)),
        ("def f(:\n", ("build.syntax", 1)),
        ("x = '\\ud800' + \0\n", ("build.syntax", 1)),
        (b"x = '\xff'\n", ("build.syntax", 1)),
        ("x = " + "(" * 300 + ")" * 300, ("build.syntax", 1)),
        ("x = " + "[" * 80 + "]" * 80, ("build.limit", 1)),
        ("x = (" + "1," * 10_001 + ")", ("build.limit", 1)),
        ("\n".join(f"def f{i}(): pass" for i in range(65)), ("build.limit", 65)),
    ],
)
def test_source_is_refused_when_it_breaks_a_rule(source: str | bytes, expected: tuple[str, int]) -> None:
    found = problems(source)

    assert found[0][0] == expected[0]
    assert found[0][1] in (expected[1], 0)


def test_the_author_is_told_what_to_do_when_boardkit_is_imported() -> None:
    with pytest.raises(Rejected) as caught:
        check(f"import boardkit\n{HEAD}{TYPED}".encode(), "t.py")

    (problem,) = caught.value.problems
    assert (problem.code, problem.line, problem.hint) == ("build.lang", 1, BOARDKIT_HINT)


def test_source_is_refused_when_it_is_too_large() -> None:
    assert problems("#" * (MAX_SOURCE_BYTES + 1)) == [("build.limit", 0)]


def test_long_elif_chain_and_long_sum_are_no_nesting() -> None:
    chain = "def f(k):\n    if k == 0:\n        pass\n"
    chain += "".join(f"    elif k == {i}:\n        pass\n" for i in range(100))
    chain += "X = " + " + ".join(["1"] * 200) + "\n"

    assert check(chain.encode(), "t.py").nodes > 500


def test_import_is_refused_when_the_module_is_hidden_from_the_checker() -> None:
    with pytest.raises(RefusedError) as caught:
        InProcess("os = __import__('os')\n" + HEAD + TAIL)

    (problem,) = caught.value.problems
    assert problem.code == "build.lang"
    assert problem.line == 1
    assert "`os` is not available" in problem.what


def test_line_is_named_when_the_module_body_fails() -> None:
    with pytest.raises(RefusedError) as caught:
        InProcess(HEAD + "X = 1 // 0\n" + TAIL)

    assert (caught.value.problems[0].code, caught.value.problems[0].line) == ("script.exception", 2)
    assert "ZeroDivisionError" in caught.value.problems[0].what


def test_names_of_files_and_terminals_are_gone_when_code_runs() -> None:
    with pytest.raises(RefusedError) as caught:
        InProcess(HEAD + "open('/etc/passwd')\n" + TAIL)

    assert "NameError" in caught.value.problems[0].what


def test_allowed_modules_work_when_imported() -> None:
    t = InProcess(
        "import json\nfrom collections import deque\nfrom dataclasses import dataclass\n"
        + 'OUTPUT = {"v": {"type": "i64"}}\n'
        + "@dataclass\nclass P:\n    v: int\n"
        + "def transform(payload):\n    return {'v': P(json.loads(payload)['v']).v}\n"
    )

    assert t.rows([b'{"v": 12}']) == [{"v": 12}]
    assert t.contract.needs == ("modules:collections", "modules:dataclasses", "modules:json")


def test_device_policy_allows_more_when_it_says_so() -> None:
    source = "import colorsys\n" + HEAD + TAIL

    assert check(source.encode(), "t.py", ["colorsys"]).imports == ("colorsys",)
    assert problems(source) == [("build.lang", 1)]


@pytest.mark.parametrize(
    "source", [b"", b"\n", b"# only a comment\n", b'"""Only a docstring."""\n', b"X = 1\n"]
)
def test_a_file_without_a_function_is_no_crash_when_it_is_checked(source: bytes) -> None:
    checked = check(source, "t.py")

    assert checked.profile is Profile.GATEWAY
    assert checked.reason == "it has no function to check"
