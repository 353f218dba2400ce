"""What `alloy-edge lint` asks a jailed worker: the findings of one file, and what was proven about it.

`lint` runs in the worker; `unpack_linted` runs outside and trusts nothing: every value is checked for form and size.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..lang.check import Report, check
from ..lang.explain import explain
from ..lang.findings import Sink
from ..lang.general import general
from ..lang.module import read
from ..lang.rules import RULES, Finding
from .answers import unpack
from .checker import Rejected, parse
from .checker import check as sandbox_check
from .contract import Profile
from .modules import GATEWAY_MODULES, PORTABLE_MODULES
from .protocol import Buffer, malformed

MAX_FINDINGS = 128
MAX_LINES = 2048
MAX_TEXT = 400  # characters of one text


@dataclass(frozen=True, slots=True)
class Linted:
    """The lint of one file.

    Attributes:
        profile: what the file is: `portable` or `gateway`.
        meant: what it was checked as.
        findings: sorted by place; a rule that starts with G is a warning.
        explain: lines for people; empty unless asked for.
    """

    profile: str
    meant: str
    kind: str
    numeric: str
    digest: str
    findings: tuple[Finding, ...]
    explain: tuple[str, ...]


def lint(source: bytes, file: str, modules: Sequence[str], profile: str, explained: bool) -> dict[str, Any]:
    """The findings of one file, as plain values.

    Args:
        source: the file.
        file: its name, for the parser.
        modules: what the device's policy allows beyond the closed list.
        profile: `int` or `f64`: it must be portable; `gateway`: general lint only; empty: by what the file says.
        explained: whether the lines for people are wanted.

    Raises:
        Rejected: the file cannot be parsed or exceeds a limit.
    """
    tree = parse(source, file)
    meant = _meant(tree, profile, modules)
    if meant == "gateway":
        sandbox_check(source, file, modules)
        report = _general(tree)
    else:
        limits(source, file, modules)
        report = check(tree, source, numeric="int" if profile == "int" else "f64")
    lines = explain(report, meant) if explained else []
    return {
        "profile": "portable" if report.accepted else "gateway",
        "meant": meant,
        "kind": report.kind,
        "numeric": report.numeric,
        "digest": report.digest,
        "findings": [
            [f.rule, f.what[:MAX_TEXT], f.line, f.column, f.hint[:MAX_TEXT]] for f in report.findings
        ],
        "explain": [line[:MAX_TEXT] for line in lines[:MAX_LINES]],
    }


def _meant(tree: ast.Module, profile: str, modules: Sequence[str]) -> str:
    """What the author wants: what PROFILE says; gateway for a file with imports that only a gateway has."""
    if profile:
        return "gateway" if profile == "gateway" else "portable"
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PROFILE":
            gateway = isinstance(node.value, ast.Constant) and node.value.value == "gateway"
            return "gateway" if gateway else "portable"
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {str(n.module) for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and not n.level}
    known = GATEWAY_MODULES | frozenset(modules)
    return "gateway" if any(n in known and n not in PORTABLE_MODULES for n in imported) else "portable"


def limits(source: bytes, file: str, modules: Sequence[str]) -> None:
    """Sizes and depth; what the language checker says better is left to it.

    Raises:
        Rejected: `build.limit`.
    """
    try:
        sandbox_check(source, file, modules, portable=False)
    except Rejected as rejected:
        left = [p for p in rejected.problems if p.code == "build.limit"]
        if left:
            raise Rejected(*left) from None


def _general(tree: ast.Module) -> Report:
    quiet, sink = Sink(), Sink()
    module = read(tree, "", quiet)
    general(tree, module, None, sink)
    return Report(module.kind, sink.sorted())


def unpack_linted(body: Buffer) -> Linted:
    """The answer, checked.

    Raises:
        ViolationError: `violation.protocol`.
    """
    answer = unpack(body)
    keys = {"profile", "meant", "kind", "numeric", "digest", "findings", "explain"}
    if not isinstance(answer, dict) or set(answer) != keys:
        raise malformed("a lint with other keys")
    texts = [answer[k] for k in ("profile", "meant", "kind", "numeric", "digest")]
    findings, lines = answer["findings"], answer["explain"]
    if not all(isinstance(t, str) and len(t) <= 64 for t in texts) or answer["profile"] not in tuple(Profile):
        raise malformed("a lint without a profile")
    if not isinstance(findings, tuple) or len(findings) > MAX_FINDINGS or not all(map(_is_finding, findings)):
        raise malformed("a lint with a finding that is none")
    if not isinstance(lines, tuple) or len(lines) > MAX_LINES or not all(_is_text(t) for t in lines):
        raise malformed("a lint with an explanation that is none")
    found = tuple(Finding(*f) for f in findings)
    profile, meant, kind, numeric, digest = texts
    return Linted(profile, meant, kind, numeric, digest, found, lines)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def _is_finding(item: object) -> bool:
    if not isinstance(item, tuple) or len(item) != 5 or item[0] not in RULES:
        return False
    return (
        _is_text(item[1])
        and _is_text(item[4])
        and all(type(v) is int and 0 <= v < 1 << 20 for v in item[2:4])
    )
