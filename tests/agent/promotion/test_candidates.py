"""Which module a transform may run: every reason why not is said."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from alloy_agent.native import CodedError
from alloy_agent.promotion.candidates import Candidates, Wanted
from alloy_ota.local import Built
from alloy_ota.modules import Modules
from alloy_ota.state import Quarantined

T, IR, OTHER = "ab" * 32, "cd" * 32, "ef" * 32
WANTED = Wanted("roof/ers", T, IR, "", "x86_64")


def built(data: bytes, at: int = 1, **facts: object) -> Built:
    digest = hashlib.sha256(data).hexdigest()
    return replace(Built(digest, "ers", T, T, IR, "x86_64", 1, len(data), at), **facts)  # type: ignore[arg-type]


def code_of(candidates: Candidates, wanted: Wanted, module: str = "") -> tuple[str, CodedError]:
    with pytest.raises(CodedError) as caught:
        candidates.check(module, wanted) if module else candidates.find(wanted)
    return caught.value.code, caught.value


def test_the_newest_that_fits_is_found(tmp_path: Path) -> None:
    modules = Modules(tmp_path)
    modules.admit(b"old", built(b"old", 1))
    modules.admit(b"new", built(b"new", 2))
    modules.admit(b"later", built(b"later", 3, ir=OTHER))

    found = Candidates(modules, "local").find(WANTED)

    assert found == built(b"new", 2)
    assert Candidates(modules, "local").check(built(b"old").module, WANTED) == built(b"old", 1)


def test_no_module_is_trusted_when_trust_is_signed(tmp_path: Path) -> None:
    modules = Modules(tmp_path)
    modules.admit(b"m", built(b"m"))
    candidates = Candidates(modules, "signed")

    code, error = code_of(candidates, WANTED)
    assert code == "promotion.no_candidate"
    assert "trust: local" in error.hint
    code, error = code_of(candidates, WANTED, built(b"m").module)
    assert code == "load.signature"
    assert "signed" in error.got


@pytest.mark.parametrize(
    ("facts", "code", "what"),
    [
        ({"arch": "aarch64"}, "load.arch", "processor"),
        ({"abi": 2}, "load.abi", "interface"),
        ({"transform": OTHER}, "load.hash", "PARAMS"),
        ({"ir": OTHER}, "load.hash", "IR"),
    ],
)
def test_a_module_is_refused_when_it_was_made_of_something_else(
    tmp_path: Path, facts: dict[str, object], code: str, what: str
) -> None:
    modules = Modules(tmp_path)
    modules.admit(b"m", built(b"m", **facts))
    candidates = Candidates(modules, "local")

    assert code_of(candidates, WANTED, built(b"m").module)[0] == code
    found, error = code_of(candidates, WANTED)
    assert found == "promotion.no_candidate"
    assert what in error.got
    assert error.expected == f"transform {T[:12]}, IR {IR[:12]}, x86_64, ABI 1"
    assert "alloy-edge build" in error.hint


def test_a_module_is_refused_when_it_is_in_quarantine(tmp_path: Path) -> None:
    modules = Modules(tmp_path)
    digest = modules.admit(b"m", built(b"m"))
    modules.record.update(lambda s: s.banning(Quarantined(digest, "p/t", T, "build.diff", "differs", 1)))

    code, error = code_of(Candidates(modules, "local"), WANTED, digest)

    assert code == "promotion.quarantined"
    assert error.got == "build.diff: differs"
    assert code_of(Candidates(modules, "local"), WANTED)[0] == "promotion.no_candidate"


def test_a_module_is_refused_when_its_object_or_its_record_is_gone(tmp_path: Path) -> None:
    modules = Modules(tmp_path)
    digest = modules.admit(b"m", built(b"m"))
    candidates = Candidates(modules, "local")
    modules.objects.remove(digest)
    assert code_of(candidates, WANTED, digest)[0] == "ota.missing"

    modules.objects.put(b"m")
    path = Path(modules.built.folder) / f"{digest}.json"
    path.write_bytes(b"{}")
    assert code_of(candidates, WANTED, digest)[0] == "ota.record"
    path.unlink()
    assert code_of(candidates, WANTED, digest)[0] == "load.signature"
    assert code_of(candidates, WANTED)[1].got == "no module of that name"


def test_there_is_nothing_to_look_for_when_the_transform_is_not_portable(tmp_path: Path) -> None:
    wanted = replace(WANTED, ir="", reason="line 3: a class")

    code, error = code_of(Candidates(Modules(tmp_path), "local"), wanted)

    assert code == "promotion.not_portable"
    assert error.got == "line 3: a class"
