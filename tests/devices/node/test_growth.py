"""Ten thousand frames leave no more memory in use than the first thousand, on both interpreters."""

from __future__ import annotations

import gc
import tracemalloc

import pytest
from tests.devices.node.running import settings
from tests.devices.node.test_node_vm import firmware
from tests.micropython.vm import VM, require_vm

from alloy_devices.shims import Board
from alloy_devices.sims.pms5003 import Pms5003, spoil_checksum

pytestmark = pytest.mark.slow
FRAMES = 10_000
WARM = 1_000  # by then every queue, buffer and cache has had its largest size
GROWTH_BYTES = 2_048  # counters grow by a digit, heaps fragment
SCRIPT = """
import gc
import config, main, mqtt_min

class Network:  # a broker that answers at once, behind the names of `socket`
    SOCK_STREAM = 1
    answers = b""
    messages = 0
    def getaddrinfo(self, host, port, af, kind):
        return [(2, 1, 6, "", (host, port))]
    def socket(self, *_):
        return self
    def settimeout(self, seconds):
        pass
    def connect(self, address):
        pass
    def write(self, data):
        if data[0] == 0x10:
            self.answers += b"\\x20\\x02\\x00\\x00"
        else:
            at = 3 if data[1] & 0x80 else 2
            at += 2 + (data[at] << 8 | data[at + 1])
            self.answers += b"\\x40\\x02" + bytes(data[at : at + 2])
            self.messages += 1
        return len(data)
    def readinto(self, buffer):
        size = len(self.answers)
        if not size:
            return None
        buffer[:size] = self.answers
        self.answers = b""
        return size

class Line:  # a sensor that sends a frame whenever it is looked at, and then nothing
    sent = 0
    turn = 0
    def readinto(self, buffer):
        self.turn ^= 1
        if not self.turn or self.sent == FRAMES:
            return None
        frame = LINES[self.sent % len(LINES)]
        self.sent += 1
        buffer[: len(frame)] = frame
        return len(frame)

network, line = Network(), Line()
mqtt_min.socket = network
node = main.Node(config.check(SETTINGS, []), line, lambda: None)

def work(until):
    while line.sent < until or node.outbox.first():
        node.step()
        rest()
"""


def given() -> dict[str, object]:
    sensor = Pms5003(seed=4, period_s=0.0)
    lines = [sensor.due(float(second)) or b"" for second in range(50)]
    lines[7] = spoil_checksum(lines[7])
    return {"LINES": lines, "SETTINGS": settings(1883, 4), "WARM": WARM, "FRAMES": FRAMES}


def check(used: list[int], node: str) -> None:
    warm, end = used
    assert end - warm < GROWTH_BYTES, used
    assert node == f"{FRAMES - FRAMES // 50} {FRAMES // 50} 0"


ON_THE_VM = """
import asyncio

async def collected():  # this port collects garbage between two turns of the event loop only, and not at each
    least = gc.mem_alloc()
    for _ in range(8):
        gc.collect()
        await asyncio.sleep_ms(1)
        least = min(least, gc.mem_alloc())
    return least

async def chunks():
    for until in range(WARM, FRAMES + 1, WARM):
        work(until)
        used = await collected()
        if until in (WARM, FRAMES):
            print(used)
    print(node.outbox.number, node.refused, node.outbox.lost)

asyncio.create_task(chunks())
"""


def test_memory_does_not_grow_when_it_runs_on_micropython() -> None:
    require_vm()
    head = "import gc, os\nos.urandom = lambda size: b'abcd'\ndef rest():\n    pass\n"
    head += "".join(f"{name} = {value!r}\n" for name, value in given().items())

    *used, node = VM(firmware(1883, 4), head + SCRIPT + ON_THE_VM).run().lines()

    check([int(line) for line in used], node)


def test_memory_does_not_grow_when_it_runs_on_cpython(board: Board) -> None:
    used = []
    names = {**given(), "rest": lambda: board.clock.sleep_us(10_000)}
    exec(compile(SCRIPT, "growth", "exec"), names)
    gc.collect()
    gc.freeze()  # the node collects often; what the tests hold is not looked at each time
    tracemalloc.start()
    try:
        for until in (WARM, FRAMES):
            names["work"](until)  # type: ignore[operator]
            gc.collect()
            used.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
        gc.unfreeze()

    node = names["node"]
    check(used, f"{node.outbox.number} {node.refused} {node.outbox.lost}")  # type: ignore[attr-defined]
