"""The life of a hot transform in the running daemon: proposed, promoted, killed with the machine, caught, demoted."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trio
from tests.fakes.trio_run import until
from tests.system import kill
from tests.system.promotion import (
    EVENTS,
    OUT,
    POISON,
    cli,
    config,
    crash,
    honest,
    module,
    one_bit,
    stock,
    transform,
)

from alloy_agent.core.control import ask
from alloy_agent.mqtt.session import MqttSession

pytestmark = pytest.mark.slow

HOT = "share: 0.1%, over: 1s, canary: {every: 1}"


@dataclass
class Scene:
    """A broker, somebody who publishes numbers, somebody who takes what comes out, and the events."""

    port: int
    folder: Path
    writer: MqttSession
    consumer: kill.Consumer = field(default_factory=kill.Consumer)
    events: list[dict[str, Any]] = field(default_factory=list)
    sent: int = 0

    async def send(self, count: int, child: kill.Child) -> None:
        """Publish the next numbers and wait until they have come out."""
        accepted: list[int] = []
        await kill.publish(self.writer, "in/a", range(self.sent, self.sent + count), accepted)
        self.sent += count
        await self.consumer.complete(self.sent, child)

    def named(self, name: str) -> list[dict[str, Any]]:
        return [e for e in self.events if e["name"] == name]

    async def listen(self, link: MqttSession, *, task_status: trio.TaskStatus[None]) -> None:
        subscription = await link.subscribe(EVENTS, qos=1)
        task_status.started()
        async for message in subscription:
            self.events.append(json.loads(message.payload))
            message.acknowledge()


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    async with (
        kill.broker(folder / "broker") as (_, port),
        kill.client(port, "consumer") as reader,
        kill.client(port, "publisher") as writer,
        trio.open_nursery() as nursery,
    ):
        made = Scene(port, folder, writer)
        await nursery.start(made.consumer.run, reader, OUT)
        await nursery.start(made.listen, reader)
        yield made
        nursery.cancel_scope.cancel()


async def kill_tree(child: kill.Child) -> None:
    """SIGKILL to the daemon and everything below it."""
    for worker in (await child.status())["workers"]:
        if worker["pid"] != child.pid:
            kill.kill(worker["pid"])
    child.process.send_signal(signal.SIGKILL)
    await child.process.wait()


def test_a_hot_transform_is_proposed_promoted_and_native_again_after_a_sigkill_of_everything(
    tmp_path: Path,
) -> None:
    module(honest)

    async def main() -> None:
        async with scene(tmp_path) as s:
            conf = config(tmp_path / "config", s.port, f"policy: propose, {HOT}")
            digest = stock(tmp_path / "daemon" / "state")
            run_dir = tmp_path / "daemon" / "run"
            async with kill.daemon(conf, tmp_path / "daemon") as child:
                await child.ready()
                while not s.named("hot.proposed"):
                    await s.send(500, child)
                proposed = s.named("hot.proposed")[0]
                assert proposed["transform"] == "number"
                assert proposed["evidence"]["share"] >= 0.001
                assert proposed["evidence"]["candidate"] == "in the store"
                assert transform(await child.status())["tier"] == "sandbox"

                code, out, err = await cli("promote", "number", "--run-dir", run_dir)
                print(out)
                assert (code, err) == (0, "")
                assert out.startswith(f"load/number: native, module {digest[:12]}\n  compared: 1 examples, ")
                await s.send(500, child)
                status = await child.status()
                facts = transform(status)
                assert (facts["tier"], facts["module"]["sha256"]) == ("native", digest)
                assert facts["module"]["compared"] >= 500
                assert status["pipelines"][0]["stages"][0]["tier"] == "native"
                assert status["modules"]["trust"] == "local"
                code, out, _ = await cli("status", "--run-dir", run_dir)
                print(out)
                assert "modules.trust: local (modules that `alloy-edge build` made on this host)" in out
                assert f"native: module {digest[:12]}" in out
                code, out, _ = await cli("promote", "number", "--run-dir", run_dir)
                assert out == f"load/number: runs this module already ({digest[:12]})\n"
                await kill_tree(child)

            async with kill.daemon(conf, tmp_path / "daemon") as child:
                status = await child.ready()
                assert transform(status)["tier"] == "native"  # before the first record
                assert transform(status)["module"]["canary_left_s"] > 3500
                await s.send(500, child)
                assert transform(await child.status())["module"]["compared"] >= 500

                code, out, _ = await cli(
                    "demote", "load/number", "--reason", "calibration", "--run-dir", run_dir
                )
                print(out)
                assert code == 0
                await s.send(500, child)
                code, out, _ = await cli("status", "--run-dir", run_dir)
                assert "sandbox: calibration" in out
                code, _, err = await cli("demote", "load/number", "--run-dir", run_dir)
                assert (code, "promotion.not_native" in err) == (1, True)
                await kill_tree(child)

            async with kill.daemon(conf, tmp_path / "daemon") as child:
                assert transform(await child.ready())["tier"] == "sandbox"
                await s.send(100, child)
                assert await child.end() == 0
            told = [e["name"] for e in s.events]
            assert told.count("transform.promoted") == 1
            assert told.count("transform.demoted") == 1

    trio.run(main)


@pytest.mark.parametrize(("mutation", "code"), [(one_bit, "build.diff"), (crash, "script.crash")])
def test_the_records_stay_right_and_the_module_is_banned_when_it_does_wrong(
    mutation: Callable[[str], str], code: str, tmp_path: Path
) -> None:
    module(mutation)

    async def main() -> None:
        async with scene(tmp_path) as s:
            conf = config(tmp_path / "config", s.port, f"policy: auto, {HOT}")
            digest = stock(tmp_path / "daemon" / "state", mutation)
            async with kill.daemon(conf, tmp_path / "daemon") as child:
                await child.ready()
                while not s.named("transform.promoted"):  # the gate cannot know
                    await s.send(50, child)
                    await trio.sleep(0.05)
                    assert s.sent < POISON - 100
                await s.send(POISON - 50 - s.sent, child)
                assert transform(await child.status())["tier"] == "native"

                await s.send(100, child)

                await child.until(lambda status: transform(status)["tier"] == "sandbox")
                await until(lambda: s.named("module.quarantined"))
                (event,) = s.named("module.quarantined")
                assert event["code"] == code
                assert event["evidence"]["module"] == digest
                if mutation is one_bit:
                    v = POISON - 1
                    assert event["evidence"]["input"] == {"payload": str(v).encode().hex()}
                    assert event["evidence"]["native"] == [{"v": v ^ 1, "n": POISON}]
                    assert event["evidence"]["sandbox"] == [{"v": v, "n": POISON}]
                refused = await ask(
                    tmp_path / "daemon" / "run" / "control.sock",
                    "transform.promote",
                    {"transform": "number", "module": digest},
                )
                assert refused.error is not None
                assert refused.error.code == "promotion.quarantined"
                await s.send(200, child)
                await kill_tree(child)
            async with kill.daemon(conf, tmp_path / "daemon") as child:
                status = await child.ready()
                assert transform(status)["tier"] == "sandbox"
                assert status["modules"]["quarantined"] == 1
                await s.send(100, child)
                assert await child.end() == 0
            assert s.consumer.values == list(range(s.sent))  # each once, in order, the wrong one too

    trio.run(main)


def test_a_storm_of_declines_ends_in_the_sandbox_and_loses_nothing(tmp_path: Path) -> None:
    module(honest)

    async def main() -> None:
        async with scene(tmp_path) as s:
            conf = config(tmp_path / "config", s.port, f"policy: manual, decline_window: 200, {HOT}")
            stock(tmp_path / "daemon" / "state")
            async with kill.daemon(conf, tmp_path / "daemon") as child:
                await child.ready()
                await s.send(100, child)
                code, _, err = await cli("promote", "number", "--run-dir", tmp_path / "daemon" / "run")
                assert (code, err) == (0, "")
                await s.send(400, child)
                assert transform(await child.status())["tier"] == "native"
                wide = 10**30  # does not fit 64 bits on the way, and does in the end
                for i in range(300):
                    ticket = await s.writer.send("in/a", str(wide + s.sent + i).encode(), qos=1)
                await ticket.wait()
                s.sent += 300
                await s.consumer.complete(s.sent, child)
                status = await child.until(lambda status: transform(status)["tier"] == "sandbox")
                assert "records to Python" in transform(status)["not_native"]
                assert status["modules"]["quarantined"] == 0
                (event,) = s.named("transform.demoted")
                assert event["code"] == "promotion.declines"
                assert event["evidence"]["declined"] >= 10
                await s.send(100, child)
                assert s.consumer.values == list(range(s.sent))
                assert s.consumer.counts == list(range(1, s.sent + 1))
                assert await child.end() == 0

    trio.run(main)


def test_nothing_is_lost_when_the_tier_changes_and_processes_die_under_load(tmp_path: Path) -> None:
    module(honest)

    async def main() -> None:
        async with scene(tmp_path) as s:
            conf = config(tmp_path / "config", s.port)
            stock(tmp_path / "daemon" / "state")
            control = tmp_path / "daemon" / "run" / "control.sock"
            async with kill.daemon(conf, tmp_path / "daemon") as child:
                await child.ready()
                accepted: list[int] = []
                total = 6_000
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(kill.publish, s.writer, "in/a", range(total), accepted)
                    for turn in range(6):
                        verb = "transform.demote" if turn % 2 else "transform.promote"
                        answer = await ask(control, verb, {"transform": "load/number"}, 60)
                        assert answer.ok, answer.error
                        victim = "transform zygote" if turn in (2, 3) else "transform load/number"
                        pids = [w["pid"] for w in (await child.status())["workers"] if w["name"] == victim]
                        for pid in pids:
                            assert pid != os.getpid()
                            kill.kill(pid)
                        await until(lambda turn=turn: len(s.consumer.values) > total * turn // 8)  # type: ignore[misc]
                s.sent = total
                await s.consumer.complete(total, child)
                assert s.consumer.counts == list(range(1, total + 1))
                assert sorted(s.consumer.values) == list(range(total))
                assert await child.end() == 0

    trio.run(main)


def test_a_module_file_is_refused_when_this_host_did_not_build_it_and_taken_when_it_did(
    tmp_path: Path,
) -> None:
    data, built = module(honest)

    async def main() -> None:
        async with scene(tmp_path) as s:
            conf = config(tmp_path / "config", s.port)
            run_dir = tmp_path / "daemon" / "run"
            path = tmp_path / "module.so"
            path.write_bytes(data)
            async with kill.daemon(conf, tmp_path / "daemon") as child:
                await child.ready()
                promote = ("promote", "number", "--module", path, "--run-dir", run_dir)
                code, out, err = await cli(*promote)
                print(err)
                assert (code, out) == (1, "")
                assert "load.signature" in err
                code, _, err = await cli("promote", "load/number", "--run-dir", run_dir)
                print(err)
                assert code == 1
                assert "promotion.no_candidate" in err
                assert f"transform {built.transform[:12]}, IR {built.ir[:12]}" in err
                assert "alloy-edge build" in err
                assert len(s.named("hot.proposed")) == 1

                stock(tmp_path / "daemon" / "state")
                (tmp_path / "daemon" / "state" / "modules" / "objects" / built.module).unlink()
                code, out, err = await cli(*promote, "--json")
                assert (code, err) == (0, "")
                assert json.loads(out)[0]["module"] == built.module
                await s.send(100, child)
                assert await child.end() == 0
            code, _, err = await cli("promote", "number", "--run-dir", run_dir)
            assert (code, "control.unreachable" in err) == (4, True)

    trio.run(main)


@pytest.mark.timeout(900)
def test_this_host_builds_the_module_of_a_hot_transform_when_it_may(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as s:
            conf = config(tmp_path / "config", s.port, f"policy: auto, build: local, {HOT}")
            async with kill.daemon(conf, tmp_path / "daemon") as child:
                await child.ready()
                with trio.fail_after(600):
                    while not s.named("transform.promoted"):
                        await s.send(200, child)
                        assert not s.named("module.not_built"), s.events
                assert transform(await child.status())["tier"] == "native"
                await s.send(200, child)
                assert s.consumer.counts == list(range(1, s.sent + 1))
                assert [e["name"] for e in s.events] == ["module.built", "transform.promoted"]
                assert await child.end() == 0

    trio.run(main)
