"""Workload `mqtt`: messages per second and latency through the demo broker, against paho and aiomqtt.

The broker runs in its own process; all clients speak to it over loopback with TCP_NODELAY, one after the
other in each run, so that a busy machine hits all of them alike. Peers are measured where they are installed.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import trio

from alloy_agent.mqtt.link import LinkOptions
from alloy_agent.mqtt.session import MqttSession

from .figure import Figure

PAYLOAD = bytes(range(200))
IN_FLIGHT = 100
PERCENT = 100
BUDGETS = {"qos1x100": ">= 40 k msg/s", "qos1_p99": "< 1 ms"}
Results = dict[str, float]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many messages each part sends."""

    stream: int  # QoS 0 and QoS 1 with 100 in flight
    single: int  # QoS 1 one by one
    pings: int  # round trips for latency


@contextmanager
def broker_process() -> Iterator[int]:
    """The demo broker on a free port; it ends with its standard input."""
    command = [sys.executable, "-m", "alloy_agent", "broker", "--json", "--demo"]
    pipes = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipes, stdout=pipes) as process:  # noqa: S603 - our own command
        try:
            assert process.stdout is not None
            yield int(json.loads(process.stdout.readline())["port"])
        finally:
            process.terminate()


def _rate(count: int, begun: float) -> float:
    return count / (time.perf_counter() - begun)


def _latency(name: str, samples: list[float]) -> Results:
    cuts = statistics.quantiles(samples, n=PERCENT)
    return {f"{name}_p50": cuts[49] * 1e3, f"{name}_p99": cuts[98] * 1e3}


# -- our session -------------------------------------------------------------------------------------------


def measure_session(port: int, sizes: Sizes) -> Results:
    """The native trio session."""
    results: Results = {}

    async def publish_many(link: MqttSession, count: int) -> None:
        for _ in range(count):
            await link.publish("bench/load", PAYLOAD)

    async def main() -> None:
        link = MqttSession(LinkOptions("127.0.0.1", port, "bench-session", session_expiry_s=0))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.run)
            await link.wait_connected()
            begun = time.perf_counter()
            for _ in range(sizes.stream):
                await link.publish("bench/load", PAYLOAD, qos=0)
            await link.publish("bench/load", PAYLOAD)  # its PUBACK: the broker has read all before it
            results["qos0"] = _rate(sizes.stream, begun)
            begun = time.perf_counter()
            await publish_many(link, sizes.single)
            results["qos1x1"] = _rate(sizes.single, begun)
            begun = time.perf_counter()
            async with trio.open_nursery() as many:
                for _ in range(IN_FLIGHT):
                    many.start_soon(publish_many, link, sizes.stream // IN_FLIGHT)
            results["qos1x100"] = _rate(sizes.stream, begun)
            for qos in (0, 1):
                echo = await link.subscribe(f"bench/session/echo/{qos}", qos=qos)
                samples = []
                for _ in range(sizes.pings):
                    begun = time.perf_counter()
                    await link.send(f"bench/session/echo/{qos}", PAYLOAD, qos=qos)
                    message = await anext(echo)
                    samples.append(time.perf_counter() - begun)
                    message.acknowledge()
                results.update(_latency(f"qos{qos}", samples))
            await link.disconnect()

    trio.run(main)
    return results


# -- peers -------------------------------------------------------------------------------------------------


def measure_paho(port: int, sizes: Sizes) -> Results:
    """paho-mqtt with its own thread, MQTT 5."""
    import paho.mqtt.client as paho
    from paho.mqtt.enums import CallbackAPIVersion

    results: Results = {}
    client = paho.Client(CallbackAPIVersion.VERSION2, "bench-paho", protocol=paho.MQTTv5)
    client.max_inflight_messages_set(IN_FLIGHT)
    ready, echoed = threading.Event(), threading.Event()

    def opened(_client: Any, _data: Any, sock: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    client.on_socket_open = opened
    client.on_connect = lambda *_: ready.set()
    client.on_subscribe = lambda *_: ready.set()
    client.on_message = lambda *_: echoed.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    ready.wait(10)
    begun = time.perf_counter()
    for _ in range(sizes.stream):
        client.publish("bench/load", PAYLOAD, 0)
    client.publish("bench/load", PAYLOAD, 1).wait_for_publish(60)
    results["qos0"] = _rate(sizes.stream, begun)
    begun = time.perf_counter()
    for _ in range(sizes.single):
        client.publish("bench/load", PAYLOAD, 1).wait_for_publish(10)
    results["qos1x1"] = _rate(sizes.single, begun)
    begun = time.perf_counter()
    waiting = [client.publish("bench/load", PAYLOAD, 1) for _ in range(sizes.stream // 4)]
    for info in waiting:
        info.wait_for_publish(60)
    results["qos1x100"] = _rate(sizes.stream // 4, begun)
    for qos in (0, 1):
        ready.clear()
        client.subscribe(f"bench/paho/echo/{qos}", qos)
        ready.wait(10)
        samples = []
        for _ in range(sizes.pings):
            echoed.clear()
            begun = time.perf_counter()
            client.publish(f"bench/paho/echo/{qos}", PAYLOAD, qos)
            echoed.wait(10)
            samples.append(time.perf_counter() - begun)
        results.update(_latency(f"qos{qos}", samples))
    client.disconnect()
    client.loop_stop()
    return results


def measure_aiomqtt(port: int, sizes: Sizes) -> Results:
    """aiomqtt on plain asyncio, MQTT 5."""
    import aiomqtt

    results: Results = {}

    async def publish_many(client: aiomqtt.Client, count: int) -> None:
        for _ in range(count):
            await client.publish("bench/load", PAYLOAD, 1)

    async def main() -> None:
        nodelay = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
        client = aiomqtt.Client(
            "127.0.0.1",
            port,
            protocol=aiomqtt.ProtocolVersion.V5,
            socket_options=nodelay,
            max_inflight_messages=IN_FLIGHT,
        )
        client.pending_calls_threshold = IN_FLIGHT + 1
        async with client:
            count = sizes.stream // 4
            begun = time.perf_counter()
            for _ in range(count):
                await client.publish("bench/load", PAYLOAD, 0)
            await client.publish("bench/load", PAYLOAD, 1)
            results["qos0"] = _rate(count, begun)
            begun = time.perf_counter()
            await publish_many(client, sizes.single)
            results["qos1x1"] = _rate(sizes.single, begun)
            begun = time.perf_counter()
            await asyncio.gather(*(publish_many(client, count // IN_FLIGHT) for _ in range(IN_FLIGHT)))
            results["qos1x100"] = _rate(count, begun)
            for qos in (0, 1):
                await client.subscribe(f"bench/aiomqtt/echo/{qos}", qos)
                samples = []
                for _ in range(sizes.pings):
                    begun = time.perf_counter()
                    await client.publish(f"bench/aiomqtt/echo/{qos}", PAYLOAD, qos)
                    await anext(client.messages)
                    samples.append(time.perf_counter() - begun)
                results.update(_latency(f"qos{qos}", samples))

    asyncio.run(main())
    return results


CLIENTS: dict[str, tuple[str, Callable[[int, Sizes], Results]]] = {
    "session": ("trio", measure_session),
    "paho": ("paho.mqtt", measure_paho),
    "aiomqtt": ("aiomqtt", measure_aiomqtt),
}
"""Name -> (module that must be there, measurement)."""


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def run(quick: bool) -> list[Figure]:
    """Measure every installed client; ours is compared with each peer in the same run."""
    sizes = Sizes(4_000, 400, 200) if quick else Sizes(20_000, 2_000, 1_000)
    clients = {name: call for name, (module, call) in CLIENTS.items() if _installed(module)}
    runs: dict[str, list[Results]] = {name: [] for name in clients}
    with broker_process() as port:
        for _ in range(2 if quick else 3):
            for name, call in clients.items():
                runs[name].append(call(port, sizes))
    return [figure for name in clients for figure in _figures(name, runs)]


def _figures(name: str, runs: dict[str, list[Results]]) -> list[Figure]:
    figures: list[Figure] = []
    for key in runs[name][0]:
        latency = "_p" in key
        own = [result[key] for result in runs[name]]
        peers = [""] if name != "session" else [peer for peer in runs if peer != "session"] or [""]
        for peer in peers:
            ratio = None
            if peer:
                theirs = statistics.median(result[key] for result in runs[peer])
                mine = statistics.median(own)
                ratio = theirs / mine if latency else mine / theirs
            figures.append(
                Figure.of(
                    f"mqtt.{name}.{key}",
                    own,
                    "ms" if latency else "msg/s",
                    peer=peer,
                    ratio=ratio,
                    budget=BUDGETS.get(key, "") if name == "session" else "",
                    note="publish to echo, one at a time"
                    if latency
                    else "200 bytes, through the demo broker",
                )
            )
    return figures
