"""Every script of the hostile corpus through the real stage: the code it ends with, and that it reached nothing.

While they run, a second pipeline counts numbers at 200 records/s and a link answers pings and keeps its
keep-alive; the last tests of this file say that neither has noticed anything.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator

import pytest
from tests.transforms.hostile_host import MEMORY_MIB, RATE, Host, Outcome
from tests.transforms.hostile_scripts import Script, corpus

from alloy_native import jail

QUICK = 4  # one script of how many is not slow: the quick run stays below 45 s
ROUNDS = {"quick": 1, "ci": 1, "soak": 20}[os.environ.get("ALLOY_SIZES", "quick")]
CORPUS = corpus()
SCRIPTS = [
    pytest.param(script, id=script.name, marks=() if number % QUICK == 0 else pytest.mark.slow)
    for number, script in enumerate(CORPUS)
]
WALLS_S = (0.1, 0.1, 0.3, 0.3, 1.0)  # the last is what a device gives a file by default
"""A busy machine may take 100 ms of wall clock from an honest step: a script that should not end by `script.wall`
but does is given more time."""
SLACK_MIB = 24  # modules that a worker imports before its limit is set
pytestmark = pytest.mark.skipif(not jail.probe()["seccomp"], reason="this kernel cannot filter system calls")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with Host(tmp_path_factory.mktemp("hostile")) as host:
        yield host


def test_hostile_corpus_has_a_hundred_scripts_of_different_attacks() -> None:
    assert len(CORPUS[::QUICK]) >= 100
    assert len({script.source for script in CORPUS}) == len(CORPUS)
    assert all(script.attack and script.expect for script in CORPUS)


@pytest.mark.parametrize("script", SCRIPTS * ROUNDS)
def test_hostile_script_reaches_nothing_and_ends_with_its_code(host: Host, script: Script) -> None:
    if script.arch not in ("", platform.machine()):
        pytest.skip(f"numbers of {script.arch}")

    outcome = attacked(host, script)

    assert outcome.effects == []
    assert len(outcome.codes) == len(script.expect), outcome
    for code, allowed in zip(outcome.codes, script.expect, strict=True):
        assert code in allowed, outcome
    if script.says:
        assert any(part in outcome.said for part in script.says), outcome.said[:2000]
    assert outcome.rss_bytes <= host.address_space() + (MEMORY_MIB + SLACK_MIB << 20)
    assert host.neighbour.lost == []


def attacked(host: Host, script: Script) -> Outcome:
    for wall_s in WALLS_S:
        outcome = host.attack(script, wall_s)
        if "script.wall" not in outcome.codes or "script.wall" in script.codes:
            break
    return outcome


def test_neighbour_of_hostile_scripts_lost_no_number_and_no_worker(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    host.wait_quiet(1.0)
    neighbour = host.neighbour

    assert neighbour.lost == []
    assert neighbour.sent >= RATE // 2
    assert neighbour.stage.accounting.respawns == 0
    assert neighbour.stage.accounting.deaths == 0
    assert not neighbour.stage.accounting.errors
    assert host.pool.zygotes == 1
    with capsys.disabled():
        print(
            f"\n  beside {len(SCRIPTS)} hostile scripts: {neighbour.sent} numbers, longest wait "
            f"{neighbour.longest_s * 1e3:.0f} ms; {host.pings} pings, longest {host.longest_ping_s * 1e3:.0f} ms"
        )


def test_link_beside_hostile_scripts_kept_its_connection_and_answered_every_ping(host: Host) -> None:
    host.wait_quiet(2.0)

    assert host.pings > 10
    for link in (host.quiet, host.asked, host.asker):
        assert link.stats.connected
        assert link.stats.connects == 1
