"""The demo's sample files are what their README says, and small."""

from __future__ import annotations

import hashlib
import json
import re
from importlib import resources

from alloy_devices.sims import gpsd, lns, pms5003

MAX_BYTES = 160_000
ROW = re.compile(r"^\| `([^`]+)` \|.*\| `([^`]+)` \| `([0-9a-f]{64})` \|$", re.MULTILINE)


def sample(name: str) -> bytes:
    return resources.files("alloy_agent.demo.samples").joinpath(name).read_bytes()


def test_every_sample_has_an_origin_and_a_licence_when_the_folder_is_read() -> None:
    folder = resources.files("alloy_agent.demo.samples")
    listed = {name: (text, digest) for name, text, digest in ROW.findall(sample("README.md").decode())}
    present = {entry.name for entry in folder.iterdir()} - {
        "README.md",
        "__init__.py",
        "__pycache__",
        "licenses",
    }

    assert listed.keys() == present
    for name, (text, digest) in listed.items():
        assert hashlib.sha256(sample(name)).hexdigest() == digest
        assert len(sample(name)) <= MAX_BYTES
        assert folder.joinpath("licenses", text).is_file()


def test_simulators_can_play_the_samples_when_the_demo_starts() -> None:
    assert sum(b"RMC" in line for line in gpsd.sentences(sample("rx210.log"))) > 50
    assert len(list(lns.publications(sample("lns-uplinks.jsonl").splitlines()))) == 12
    frames = [json.loads(line) for line in sample("pms5003-capture.jsonl").splitlines()]
    sensor = pms5003.Pms5003(recorded=[tuple(each["values"]) for each in frames])
    for index, each in enumerate(frames):
        assert sensor.due(float(index)) == bytes.fromhex(each["frame"])
