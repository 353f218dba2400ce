"""Reads a transform's source without running it: size, imports, capabilities, profile.

Runs in a jailed worker of its own, because the parser itself can be attacked by what it parses. It says what the
core must load before the jail of the real worker closes. A file whose imports fit and which does not ask to be
`gateway` is shown to the checker of the portable language (`lang`); what that refuses runs as `gateway`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .answers import MAX_IMPORTS, MAX_PROBLEMS, Checked, Problem
from .contract import Profile, is_name, is_need
from .modules import BOARDKIT_HINT, PORTABLE_MODULES, allowed

if TYPE_CHECKING:
    from ..lang.rules import Finding

MAX_SOURCE_BYTES = 64 << 10
MAX_NODES = 10_000
MAX_NESTING = 64
MAX_FUNCTIONS = 64
DECLARED_ONLY = ("memory_mb:", "wall_ms:")  # capabilities that nothing in a source shows


class Rejected(Exception):  # noqa: N818 - an answer, not a fault of ours
    """The source cannot be used; carries every problem found."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems


def check(
    source: bytes,
    file: str,
    extra_modules: Iterable[str] = (),
    *,
    params: Mapping[str, Any] | None = None,
    portable: bool = True,
) -> Checked:
    """Check one source.

    Args:
        source: the file's bytes, UTF-8.
        file: its name, for the parser's messages.
        extra_modules: what the device's policy allows beyond the closed list.
        params: the pipeline's `params:`; they are constants of the IR.
        portable: whether the language checker is asked; without it, imports alone decide.

    Raises:
        Rejected: `build.syntax`, `build.limit`, `build.lang`; all that was found.
    """
    tree = parse(source, file)
    lines = source.decode("utf-8", "replace").splitlines()
    nodes = _bounded(tree)
    found = _Walk(lines, frozenset(extra_modules))
    found.module(tree)
    if found.problems:
        raise Rejected(*found.problems)
    ask = portable and found.profile is Profile.PORTABLE
    reason, ir = _portable(tree, source, found, params or {}) if ask else ("", "")
    return Checked(tuple(sorted(found.imports)), tuple(sorted(found.needs)), found.profile, nodes, reason, ir)


def _portable(tree: ast.Module, source: bytes, found: _Walk, params: Mapping[str, Any]) -> tuple[str, str]:
    """Ask the language checker: why the file is `gateway` after all, or the digest of its IR."""
    from ..lang.check import (
        check as lang_check,  # some MB that only a checking worker shall have (`LANGUAGE`)
    )

    report = lang_check(tree, source)
    if report.accepted:  # by itself; with values of the pipeline's it may have no IR, and then no native form
        return "", (lang_check(tree, source, params=params) if params else report).digest
    if not report.refusals:  # nothing to check: no entry function; the loader says what is missing
        found.profile = Profile.GATEWAY
        return "it has no function to check", ""
    if found.insists:
        raise Rejected(*(problem_of(f, found.lines) for f in report.refusals[:MAX_PROBLEMS]))
    found.profile = Profile.GATEWAY
    first = report.refusals[0]
    return f"line {first.line}: {first.what}", ""


def problem_of(finding: Finding, lines: Sequence[str]) -> Problem:
    """A finding of the language checker as a problem of the file."""
    line = lines[finding.line - 1] if 0 < finding.line <= len(lines) else ""
    return Problem(
        finding.code, f"{finding.rule}: {finding.what}", finding.line, finding.column, line, hint=finding.hint
    )


def parse(source: bytes, file: str) -> ast.Module:
    """The syntax tree, or `Rejected` with the place where the parser gave up."""
    if len(source) > MAX_SOURCE_BYTES:
        size = f"{len(source)} bytes"
        raise Rejected(
            Problem(
                "build.limit", "the file is too large", got=size, expected=f"at most {MAX_SOURCE_BYTES} bytes"
            )
        )
    try:
        text = source.decode("utf-8")
        return ast.parse(text, file)
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise Rejected(Problem("build.syntax", "the file is not UTF-8", line=line)) from None
    except SyntaxError as error:
        what = str(error.msg)
        raise Rejected(
            Problem(
                "build.syntax",
                what,
                error.lineno or 0,
                max(error.offset or 0, 0),
                (error.text or "").rstrip(),
            )
        ) from None
    except (ValueError, OverflowError) as error:  # NUL bytes, numbers beyond the parser
        raise Rejected(Problem("build.syntax", str(error))) from None
    except (MemoryError, RecursionError):
        raise Rejected(Problem("build.limit", "the file is nested too deeply for the parser")) from None


def _bounded(tree: ast.Module) -> int:
    """The number of nodes; `Rejected` past the limits. An `elif` chain and a + b + c + … do not nest."""
    count = functions = 0
    stack: list[tuple[ast.AST, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        count += 1
        functions += isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        line = getattr(node, "lineno", 0)
        if count > MAX_NODES:
            raise Rejected(Problem("build.limit", f"the file has more than {MAX_NODES} syntax nodes", line))
        if depth > MAX_NESTING:
            raise Rejected(Problem("build.limit", f"the file nests deeper than {MAX_NESTING}", line))
        if functions > MAX_FUNCTIONS:
            raise Rejected(Problem("build.limit", f"the file has more than {MAX_FUNCTIONS} functions", line))
        same = _same_level(node)
        children = [(child, depth if child is same else depth + 1) for child in ast.iter_child_nodes(node)]
        stack += reversed(children)  # source order: the line named is where the limit was passed
    return count


def _same_level(node: ast.AST) -> ast.AST | None:
    if isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        return node.orelse[0]
    return node.left if isinstance(node, ast.BinOp) else None


class _Walk:
    """Collects imports, capabilities and what is not allowed."""

    def __init__(self, lines: list[str], extra: frozenset[str]) -> None:
        self.lines = lines
        self.extra = extra
        self.imports: set[str] = set()
        self.needs: set[str] = set()
        self.problems: list[Problem] = []
        self.profile = Profile.PORTABLE
        self.insists = False  # PROFILE = "portable"

    def problem(
        self, node: ast.AST, code: str, what: str, *, hint: str = "", got: str = "", want: str = ""
    ) -> None:
        line = getattr(node, "lineno", 0)
        column = getattr(node, "col_offset", -1) + 1
        source = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        self.problems.append(Problem(code, what, line, column, source, got, want, hint))

    def module(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node)
            elif isinstance(node, ast.Name) and node.id == "print":
                self.needs.add("log")
        self.needs |= {f"modules:{name}" for name in self.imports - PORTABLE_MODULES}
        if is_elementwise(tree):
            self.needs.add("array")
        declared = {name: (node, value) for name, node, value in _assignments(tree)}
        self._constants(declared)
        self._params(tree)
        self._profile(declared)
        self._needs(declared)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.ImportFrom) and node.level:
            self.problem(node, "build.lang", "a transform is one file: relative imports are not allowed")
            return
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [str(node.module)]
        for name in names:
            if allowed(name, self.extra) and all(map(is_name, name.split("."))):
                self.imports.add(name)
            elif name == "boardkit":
                self.problem(
                    node,
                    "build.lang",
                    "`boardkit` is for board programs; a transform may not import it",
                    hint=BOARDKIT_HINT,
                )
            else:
                self.problem(
                    node,
                    "build.lang",
                    f"module `{name}` is not available to a transform",
                    hint=import_hint(name),
                )
        if len(self.imports) > MAX_IMPORTS:
            self.problem(node, "build.limit", f"more than {MAX_IMPORTS} modules")

    def _constants(self, declared: dict[str, tuple[ast.stmt, ast.expr]]) -> None:
        if "STATE" in declared and not _empty(declared["STATE"][1]):
            self.needs.add("state")
        if "MAX_ROWS" in declared:
            node, value = declared["MAX_ROWS"]
            rows = _literal(value)
            if type(rows) is not int:
                self.problem(node, "build.type", "MAX_ROWS is written as an integer")
            elif rows > 1:
                self.needs.add(f"rows:{rows}")

    def _params(self, tree: ast.Module) -> None:
        """PARAMS gets its values after the module has run: reading it while it runs would miss them."""
        stack: list[ast.AST] = list(tree.body)
        while stack:
            node = stack.pop()
            if isinstance(node, ast.Name) and node.id == "PARAMS" and isinstance(node.ctx, ast.Load):
                self.problem(
                    node,
                    "build.lang",
                    "PARAMS is read while the file is loaded, before the pipeline's `params:` are in it",
                    hint="read it inside a function",
                )
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                stack += [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]
                stack += getattr(node, "decorator_list", [])
            else:
                stack += ast.iter_child_nodes(node)

    def _profile(self, declared: dict[str, tuple[ast.stmt, ast.expr]]) -> None:
        beyond = sorted(self.imports - PORTABLE_MODULES)
        if beyond:
            self.profile = Profile.GATEWAY
        if "PROFILE" not in declared:
            return
        node, value = declared["PROFILE"]
        wanted = _literal(value)
        if wanted not in tuple(Profile):
            self.problem(
                node,
                "build.type",
                "PROFILE is written as one of the two names",
                want='"portable" or "gateway"',
            )
        elif wanted == Profile.GATEWAY:
            self.profile = Profile.GATEWAY
        self.insists = wanted == Profile.PORTABLE
        if self.insists and beyond:
            self.problem(
                node, "build.lang", "PROFILE says portable, the imports are not", got=", ".join(beyond)
            )

    def _needs(self, declared: dict[str, tuple[ast.stmt, ast.expr]]) -> None:
        if "NEEDS" not in declared:
            return
        node, value = declared["NEEDS"]
        wanted = _literal(value)
        if not isinstance(wanted, tuple) or not all(map(is_need, wanted)):
            self.problem(
                node, "build.type", "NEEDS is a tuple of capabilities", hint='for example ("state", "log")'
            )
            return
        shown = {n for n in wanted if not n.startswith(DECLARED_ONLY)}
        if shown != self.needs:
            self.problem(
                node,
                "build.lang",
                "NEEDS does not say what the file uses",
                got="declared " + (", ".join(sorted(shown)) or "nothing"),
                want="used " + (", ".join(sorted(self.needs)) or "nothing"),
            )
        self.needs |= set(wanted)


def is_elementwise(tree: ast.Module) -> bool:
    """Whether the file has a function `f` and nothing else is called `transform`, as `lang` says of portable ones."""
    functions, names = set[str](), set[str]()
    stack: list[ast.AST] = list(tree.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            stack += ast.iter_child_nodes(node)
    return "f" in functions and "transform" not in functions | names


def import_hint(name: str) -> str:
    """What an author can do about a module that is not on the list."""
    if name.partition(".")[0] in (
        "os",
        "io",
        "socket",
        "subprocess",
        "pathlib",
        "requests",
        "urllib",
        "shutil",
    ):
        return "a transform has no files, network or processes: bytes in, rows out"
    if name.partition(".")[0] in ("time", "random", "secrets", "uuid"):
        return "the same input must give the same rows: no clock and no chance; the record's time is the receive time"
    return "the device's policy `sandbox.modules` can allow further modules"


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.stmt, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, node, node.value


def _literal(value: ast.expr) -> object:
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _empty(value: ast.expr) -> bool:
    return isinstance(value, ast.Dict) and not value.keys


def locate(source: bytes, name: str, *path: str | int) -> int:
    """The line of a module constant, or of the entry of it that `path` names; 0 if it is not written there.

    Only for messages: the tree is made again where a problem needs a place.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return 0
    for found, node, value in _assignments(tree):
        if found != name:
            continue
        line = node.lineno
        here: ast.expr = value
        for step in path:
            inner = _entry(here, step)
            if inner is None:
                break
            here, line = inner, inner.lineno
        return line
    return 0


def _entry(value: ast.expr, step: str | int) -> ast.expr | None:
    if isinstance(value, ast.Dict):
        for key, inner in zip(value.keys, value.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == step:
                return inner
    if isinstance(value, ast.Tuple | ast.List) and isinstance(step, int) and step < len(value.elts):
        return value.elts[step]
    return None
