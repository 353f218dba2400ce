"""Whatever a file holds, the compiler ends with findings: it never raises, and never takes long."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_agent.config.folder import compile_folder
from alloy_agent.config.reader import read_tree
from alloy_agent.config.report import Report
from alloy_agent.config.shapes import Values
from alloy_agent.config.spec_agent import AGENT
from alloy_agent.config.spec_pipeline import PIPELINE

pytestmark = pytest.mark.slow

FAULTY = Path(__file__).parent / "faulty"
SEEDS = [path.read_bytes() for path in sorted(FAULTY.glob("*.yaml"))]
WORDS = [
    "source",
    "mqtt",
    "lines",
    "framing",
    "transform",
    "use",
    "params",
    "route",
    "on",
    "else",
    "sink",
    "expect",
]

scalars = st.one_of(
    st.sampled_from(
        [*WORDS, "", "~", "'x'", '"1"', "0x1F", "1e999", "-0", "30s", "€", "!!int 3", "&a 1", "*a"]
    ),
    st.text("abc:-{}[],#&*!|>'\"%@`\\\n\t 019.", max_size=8),
)
trees = st.recursive(
    scalars,
    lambda below: st.one_of(
        st.lists(below, max_size=4).map(lambda items: "[" + ", ".join(items) + "]"),
        st.dictionaries(scalars, below, max_size=4).map(
            lambda pairs: "{" + ", ".join(f"{k}: {v}" for k, v in pairs.items()) + "}"
        ),
    ),
    max_leaves=24,
)


@settings(max_examples=300, deadline=None)
@given(trees)
def test_any_tree_ends_in_values_or_findings_when_it_is_read(text: str) -> None:
    for section in (AGENT, PIPELINE):
        report = Report("x.yaml")
        tree = read_tree(text, report)
        read = section.read(tree, report) if tree is not None else None

        assert isinstance(read, Values) or report.problems()
        assert all(problem.line >= 1 and problem.column >= 1 for problem in report.problems())


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SEEDS), st.integers(0, 400), st.binary(max_size=3), st.integers(0, 3))
def test_any_file_is_compiled_or_left_out_when_bytes_are_changed(
    tmp_path_factory: pytest.TempPathFactory, seed: bytes, at: int, put: bytes, cut: int
) -> None:
    data = seed[:at] + put + seed[at + cut :]
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "pipelines").mkdir()
    (folder / "agent.yaml").write_bytes(data)
    (folder / "pipelines" / "x.yaml").write_bytes(data)

    document = compile_folder(folder)

    assert document.pipelines == () or not document.broken
