"""Memory, imports and size of the real daemon against `benchmarks/budgets.toml`. Time is reported, never judged."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import pytest
import trio
from tests.conftest import REPOSITORY

from alloy_agent.bench import footprint
from alloy_agent.bench.figure import Budget
from alloy_agent.bench.mqtt import broker_process

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def broker() -> Iterator[int]:
    with broker_process() as port:
        yield port


def within(section: str, name: str, value: float) -> bool:
    budgets = tomllib.loads((REPOSITORY / "benchmarks" / "budgets.toml").read_text())
    return Budget.parse(budgets[section][name]).verdict(value) == "within"


def test_core_stays_within_its_memory_when_it_idles(broker: int) -> None:
    memory = trio.run(footprint.core_alone, broker)

    assert memory.processes == 1
    assert within("memory", "footprint.core_idle", memory.tree / footprint.MB), memory


def test_tree_stays_within_its_memory_when_four_workers_have_delivered(broker: int) -> None:
    memory, start = trio.run(footprint.with_workers, broker)

    assert memory.processes == 2 + footprint.WORKERS  # core, zygote, workers
    assert start.ready_s > 0
    assert start.record_s > 0
    assert within("memory", "footprint.with_4_workers", memory.tree / footprint.MB), memory
    assert within("memory", "footprint.core_of_that", memory.core / footprint.MB), memory


def test_core_imports_no_science_library_parser_or_second_loop_when_it_starts(broker: int) -> None:
    modules = trio.run(footprint.imported, broker)

    assert {"trio", "alloy_agent.core.daemon", "alloy_agent.mqtt.session"} <= set(modules)
    assert footprint.forbidden(modules) == []


def test_compiled_module_stays_within_its_size_when_built_for_release() -> None:
    assert within("size", "footprint.native_module", footprint.native_module_bytes() / footprint.MB)
