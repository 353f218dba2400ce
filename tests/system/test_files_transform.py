"""An image of a telescope through an element-wise transform of the running daemon; astropy has the numbers."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray
from tests.system.independent_arrays import crc32c, order_digest, payload_bytes
from tests.system.running import Daemon, alloy_edge, daemon, write_config

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Invalid 'BLANK' keyword"),
]  # the file's own fault

NAME = "aia_171_level1.fits"
RATE = '''"""Counts per second."""
OUTPUT = {"rate": {"type": "f64", "unit": "{ct}/s"}}
EXAMPLES = ({"in": {"x": 30.0, "exposure": 2.0}, "out": ({"rate": 15.0},)},)


def f(x: float, exposure: float) -> float:
    if x < 0.0:
        raise ValueError("a negative count")
    return x / exposure
'''
AGENT = "device: dev\nmodules: {trust: local}\npromotion: {policy: manual, canary: {every: 2}}\n"
PIPELINE = """source: {{files: {{path: {folder}/in, pattern: "*.fits", settle: 100ms, poll: 50ms}}}}
transform: {{use: ./rate.py, inputs: {{x: /0, exposure: {{attribute: EXPTIME}}}}}}
sink: {{file: {{path: {folder}/out.cborseq, encoding: cbor}}}}
"""


@dataclass
class Run:
    """What the file sink has of one file."""

    descriptor: dict[str, Any]
    chunks: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)

    def array(self, var: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """One variable of doubles, put together; its digest must be the manifest's."""
        whole = np.zeros(shape)
        crcs = []
        for chunk in self.chunks[var]:
            payload = payload_bytes(chunk)  # type: ignore[arg-type]
            where = tuple(slice(o, o + n) for o, n in zip(chunk["o"], chunk["s"], strict=True))
            whole[where] = np.frombuffer(payload, "<f8").reshape(chunk["s"])
            crcs.append(crc32c(payload))
        assert self.manifest["vars"][var]["digest"] == order_digest(crcs)
        return whole


def taken(path: Path) -> list[Run]:
    """The runs in the sink's file, in order."""
    runs: list[Run] = []
    with path.open("rb") as file:
        decoder = cbor2.CBORDecoder(file)
        while file.peek(1):  # type: ignore[attr-defined]
            item = decoder.decode()
            if item["k"] == "d":
                runs.append(Run(item))
            elif item["k"] == "b":
                runs[-1].chunks.setdefault(item["var"], []).append(item)
            else:
                runs[-1].manifest = item
    return runs


def offer(folder: Path, name: str, running: Daemon, sample: str = NAME) -> dict[str, Any]:
    """Copy a sample into the watched folder and wait until it is through; what status says of it."""
    done = len(running.pipeline("sky")["files"]) + 1
    with resources.as_file(resources.files("alloy_agent.demo.samples") / sample) as path:
        shutil.copy(path, folder / "in" / name)
    status = running.wait_status(lambda s: s["pipelines"][0]["rows"] == done)
    facts: dict[str, Any] = status["pipelines"][0]["files"][-1]
    return facts


def test_image_gets_a_variable_of_its_own_and_the_same_bits_when_the_transform_is_native(
    tmp_path: Path,
) -> None:
    config = write_config(tmp_path / "config", AGENT, sky=PIPELINE.format(folder=tmp_path))
    (config / "transforms").mkdir()
    (config / "transforms" / "rate.py").write_text(RATE)
    (tmp_path / "in").mkdir()
    checked = alloy_edge("check", config)
    assert checked.returncode == 0, checked.stderr
    with daemon(config, tmp_path) as running:
        first = offer(tmp_path, "a.fits", running)
        assert (first["name"], first["outcome"], first["variables"]) == ("a.fits", "complete", 2)
        assert first["problem"].startswith(
            "data.value: /0/rate: `rate` refused 200 elements, the first in line 8"
        )
        built = alloy_edge(
            "build", config / "transforms" / "rate.py", "--store", running.state_dir, "--out", tmp_path
        )
        assert built.returncode == 0, built.stderr
        promoted = alloy_edge("promote", "sky/rate", "--run-dir", running.run_dir)
        assert promoted.returncode == 0, promoted.stderr + promoted.stdout
        offer(tmp_path, "b.fits", running)
        other = offer(tmp_path, "c.fits", running, "sgpswatsE8.b1.20071229.000700.nc")
        assert other["outcome"] == "partial"
        assert other["problem"].startswith("pipeline.no_input: `rate` takes the variable `/0`")
        (facts,) = running.pipeline("sky")["transforms"]
        assert facts["tier"] == "native"
        assert running.stop() == 0

    sandbox, native, without = taken(tmp_path / "out.cborseq")
    assert (without.manifest["status"], len(without.descriptor["vars"])) == ("partial", 28)
    with (
        resources.as_file(resources.files("alloy_agent.demo.samples") / NAME) as sample,
        fits.open(sample) as hdus,
    ):
        image, exposure = np.array(hdus[0].data), hdus[0].header["EXPTIME"]
    negative = image < 0
    for run, tier in ((sandbox, "sandbox"), (native, "native")):
        variables = run.descriptor["vars"]
        assert [v["path"] for v in variables] == ["/0", "/0/rate"]
        assert variables[1]["unit"] == "{ct}/s"
        assert [stage["tier"] for stage in run.descriptor["prov"]["stages"]] == [tier]
        made = run.array(1, image.shape)
        assert made[~negative].tobytes() == (image[~negative] / exposure).tobytes()
        assert np.isnan(made[negative]).all()
        counts = {int(q): n for q, n in run.manifest["vars"][1]["counts"].items()}
        assert counts == {1: int((~negative).sum()), **({9: int(negative.sum())} if negative.any() else {})}
        assert run.manifest["status"] == "complete"
    assert [c["p"] for c in sandbox.chunks[1]] == [c["p"] for c in native.chunks[1]]
