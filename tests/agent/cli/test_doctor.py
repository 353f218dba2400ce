"""The doctor tells the truth of this host, and the right thing of hosts that lack something."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import trio

from alloy_agent.cli import main
from alloy_agent.cli.doctor import OK, REFUSED, WEAKER, Facts, judge, try_worker
from alloy_agent.native import jail

WHOLE = Facts(
    host={
        "kernel": "6.12.1",
        "arch": "aarch64",
        "arch_supported": True,
        "seccomp": True,
        "landlock_abi": 7,
        "userns": True,
        "cgroup": "v2",
    },
    memory_bytes=512 << 20,
    available_bytes=300 << 20,
    libraries={"trio": "0.30"},
    spawn_ms=4.0,
)


def states(facts: Facts) -> dict[str, str]:
    return {f.name: f.state for f in judge(facts)}


def test_everything_is_ok_when_nothing_is_missing() -> None:
    assert set(states(WHOLE).values()) == {OK}


@pytest.mark.parametrize(
    ("change", "name", "state"),
    [
        ({"seccomp": False}, "seccomp", REFUSED),
        ({"arch_supported": False}, "architecture", REFUSED),
        ({"landlock_abi": 0}, "landlock", WEAKER),
        ({"landlock_abi": 2}, "landlock", WEAKER),
        ({"userns": False}, "namespaces", WEAKER),
        ({"cgroup": "v1"}, "cgroup", WEAKER),
    ],
)
def test_missing_layer_is_named_with_its_meaning(change: dict[str, Any], name: str, state: str) -> None:
    findings = {f.name: f for f in judge(replace(WHOLE, host={**WHOLE.host, **change}))}

    assert findings[name].state == state
    assert findings[name].meaning
    assert [f.state for f in findings.values()].count(OK) == len(findings) - 1


def test_transforms_are_refused_when_the_jail_leaks_or_does_not_start() -> None:
    assert states(replace(WHOLE, reached=("read a file",)))["jailed worker"] == REFUSED
    assert states(replace(WHOLE, reached=None, failure="why"))["jailed worker"] == REFUSED


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["seccomp", "landlock", "namespaces", "rlimits"])
def test_jail_still_holds_when_one_layer_is_missing(missing: str) -> None:
    reached, _ = trio.run(try_worker, tuple(layer for layer in jail.LAYERS if layer != missing))

    assert "read a file" not in reached
    assert "list a folder" not in reached


@pytest.mark.slow
def test_doctor_refuses_when_every_layer_is_missing() -> None:
    """What would be printed where the jail did nothing: the same worker with one harmless layer."""
    reached, spent_ms = trio.run(try_worker, ("no_new_privs",))

    findings = {f.name: f for f in judge(replace(WHOLE, reached=reached, spawn_ms=spent_ms))}
    assert findings["jailed worker"].state == REFUSED
    assert findings["jailed worker"].value == "could read a file, list a folder, start a process"


def test_doctor_runs_a_real_jailed_worker_on_this_host(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", "--json"])

    document = json.loads(capsys.readouterr().out)
    findings = {f["name"]: f for f in document["findings"]}
    assert code == int(not document["untrusted_transforms"])
    if findings["seccomp"]["state"] == OK:
        assert findings["jailed worker"]["state"] == OK, findings["jailed worker"]
    assert findings["trio"]["value"]


def test_doctor_prints_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor"])

    text = capsys.readouterr().out
    assert "landlock" in text
    assert "untrusted transforms" in text.splitlines()[-1]
