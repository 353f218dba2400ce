"""Every shipped workload runs in its quick form and says what it measured; nothing here judges time."""

from __future__ import annotations

import importlib
import json
import math
import tomllib

import pytest
from tests.conftest import REPOSITORY

from alloy_agent.bench import WORKLOADS
from alloy_agent.bench.figure import Budget, Figure
from alloy_agent.cli import main

UNITS = {"%", "GB/s", "MB", "elements/s", "modules", "ms", "msg/s", "records", "records/s", "s", "us"}
BUDGETS = tomllib.loads((REPOSITORY / "benchmarks" / "budgets.toml").read_text())


def well_formed(figure: Figure) -> bool:
    """A name of its workload, finite numbers in order, a known unit, a budget in that unit."""
    return (
        figure.unit in UNITS
        and all(map(math.isfinite, (figure.minimum, figure.value, figure.maximum)))
        and 0 <= figure.minimum <= figure.value <= figure.maximum
        and (figure.ratio is None or (figure.ratio > 0 and bool(figure.peer)))
        and (not figure.budget or Budget.parse(figure.budget).unit == figure.unit)
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", WORKLOADS)
def test_workload_gives_well_formed_figures_with_the_written_budgets_when_quick(name: str) -> None:
    figures: list[Figure] = importlib.import_module(f"alloy_agent.bench.{name}").run(quick=True)

    assert figures
    assert [figure for figure in figures if not well_formed(figure)] == []
    assert all(figure.name.startswith(f"{name}.") for figure in figures)
    written = {key: text for section in BUDGETS.values() for key, text in section.items()}
    assert {f.name: f.budget for f in figures if f.budget} == {
        key: text for key, text in written.items() if key.startswith(f"{name}.")
    }


@pytest.mark.slow
def test_bench_prints_budget_and_verdict_when_asked_for_text_and_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bench", "--quick", "--only", "sandbox"]) == 0
    text = capsys.readouterr().out
    assert main(["bench", "--quick", "--only", "sandbox", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)

    records = next(line for line in text.splitlines() if line.startswith("sandbox.records"))
    assert records.endswith(("within", "short"))
    assert ">= 500 k records/s" in records
    assert {"cpu", "cores", "kernel", "python", "flags", "load_1min", "versions"} <= set(document["machine"])
    verdicts = {figure["name"]: figure["verdict"] for figure in document["figures"]}
    assert verdicts["sandbox.records"] in ("within", "short")
