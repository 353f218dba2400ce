"""A sensor node: reads frames from a UART, runs the gateway's transform on them, publishes the rows by MQTT.

Nothing here waits longer than the watchdog: a step reads what came, makes messages, and moves the link one step on.
A message leaves the queue when the broker has acknowledged it. See README.md for the topics and the settings.
"""

import binascii
import gc
import hashlib
import os
import sys
import time

import boardkit
import config
import machine
import sensor
from frames import Frames
from link import Link
from mqtt_min import MQTTError
from outbox import Outbox
from records import Records

WATCHDOG_MS = 8000  # the longest that every board's watchdog knows
IDLE_MS = 5  # sleep after a step in which nothing came
STATUS_MS = 300000
COLLECT_FRAMES = 64  # garbage is collected by count: a large heap makes each allocation slow until it is
READS = 4  # chunks of 256 bytes in one step
MESSAGE_BYTES = 3072  # a row that takes more is refused
RESET_MS = 5000  # before the board begins anew after a failure nobody foresaw


def source_digest(path: str) -> str:
    """SHA-256 of the transform's file, empty where only its compiled form is here."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            data = file.read(256)
            while data:
                digest.update(data)
                data = file.read(256)
    except OSError:
        return ""
    return binascii.hexlify(digest.digest()).decode()


class Node:
    """The whole program but its endless loop."""

    def __init__(self, settings: dict, uart, feed) -> None:
        name = settings["node"]["name"] or binascii.hexlify(machine.unique_id()).decode()
        self.topic = settings["node"]["topic"] + "/" + name
        self.boot = binascii.hexlify(os.urandom(4)).decode()
        self.will = boardkit.cbor(
            {"state": "offline", "boot": self.boot}
        )  # the broker says so when the node is gone
        self.digest = source_digest(sensor.NAME + ".py")
        self.uart = uart
        self.feed = feed
        self.frames = Frames(sensor.START, sensor.LENGTH_AT, sensor.LENGTH_ADJUST, sensor.MAX_BYTES)
        self.records = Records(sensor.transform)
        self.outbox = Outbox()
        self.link = Link(settings, name, feed)
        self.buffer = bytearray(256)
        self.now = 0  # milliseconds since the program began; ticks wrap around, this does not
        self.ticks = time.ticks_ms()
        self.heard_at = 0
        self.silent = False
        self.frame_count = 0
        self.refused = 0
        self.error = ""
        self.status_at = 0
        self.in_flight = None  # number of the message that waits for its acknowledgement, -1: the status

    def step(self) -> bool:
        """Do what there is to do; whether there was anything."""
        ticks = time.ticks_ms()
        self.now += time.ticks_diff(ticks, self.ticks)
        self.ticks = ticks
        self.feed()
        came = self.read()
        return self.send() or came

    def read(self) -> bool:
        """Take what the sensor sent."""
        came = False
        for _ in range(READS):
            count = self.uart.readinto(self.buffer)
            if not count:
                break
            came = True
            for frame in self.frames.feed(memoryview(self.buffer)[:count]):
                self.take(frame)
        silent = self.now - self.heard_at > sensor.SILENT_MS
        if silent != self.silent:
            self.silent = silent
            self.status_at = self.now
        return came

    def take(self, frame: bytes) -> None:
        """Make a message of a frame."""
        self.frame_count += 1
        try:
            rows = self.records.rows(frame)
            if rows:
                message = boardkit.cbor(
                    {
                        "boot": self.boot,
                        "n": self.outbox.number,
                        "ms": self.now,
                        "transform": sensor.NAME,
                        "rows": rows,
                    }
                )
                if len(message) > MESSAGE_BYTES:
                    raise ValueError("message too large")
                self.outbox.put(message)
            self.heard_at = self.now
        except (ValueError, ArithmeticError, LookupError) as error:
            self.refuse(error)
        if self.frame_count % COLLECT_FRAMES == 0:
            gc.collect()

    def refuse(self, error) -> None:
        """Count what could not become a message, and say why in the status."""
        self.refused += 1
        self.error = f"{type(error).__name__}: {error}"

    def send(self) -> bool:
        """Move the link one step on; whether a message left or arrived."""
        link = self.link
        if link.client is None:
            if not link.bring_up(self.now, self.topic + "/status", self.will):
                return False
            self.in_flight = None
            self.status_at = self.now
        try:
            link.client.check()
            if link.client.unacknowledged:
                return False
            arrived = self.in_flight is not None
            if arrived:
                self.outbox.done(self.in_flight)
                self.in_flight = None
                link.works()
            return self.publish() or arrived
        except (OSError, MQTTError) as error:
            link.take_down(self.now, error)
            return False

    def publish(self) -> bool:
        """Send the status when it is due, else the oldest message."""
        client = self.link.client
        if self.now >= self.status_at:
            self.status_at = self.now + STATUS_MS
            client.publish(self.topic + "/status", self.status(), retain=True)
            self.in_flight = -1
            return True
        first = self.outbox.first()
        if first is None:
            return False
        try:
            client.publish(self.topic + "/data", first[1])
        except ValueError as error:  # more than this broker takes
            self.refuse(error)
            self.outbox.take()
            return True
        self.in_flight = first[0]
        return True

    def status(self) -> bytes:
        """Who this is and how it fares; counters are since the program began."""
        return boardkit.cbor(
            {
                "state": "online",
                "boot": self.boot,
                "reset": machine.reset_cause(),
                "ms": self.now,
                "transform": sensor.NAME,
                "source": self.digest,
                "silent": self.silent,
                "frames": self.frame_count,
                "refused": self.refused,
                "error": self.error,
                "dropped": self.frames.dropped,
                "lost": self.outbox.lost,
                "link": self.link.failed,
                "free": gc.mem_free(),
            }
        )


def begin() -> Node:
    """The node of this board, as `node.json` says."""
    settings = config.read("node.json")
    place = settings["uart"]
    pins = {key: machine.Pin(place[key]) for key in ("tx", "rx") if place[key] >= 0}
    uart = machine.UART(place["id"], baudrate=sensor.BAUD, rxbuf=1024, timeout=0, **pins)
    watchdog = machine.WDT(timeout=WATCHDOG_MS)
    return Node(settings, uart, watchdog.feed)


def main() -> None:
    """Run for ever; a failure nobody foresaw is printed, and the board begins anew."""
    try:
        node = begin()
        while True:
            if not node.step():
                time.sleep_ms(IDLE_MS)
    except Exception as error:
        sys.print_exception(error)
        time.sleep_ms(RESET_MS)
        machine.reset()


if __name__ == "__main__":
    main()
