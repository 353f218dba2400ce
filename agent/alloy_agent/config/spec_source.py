"""The keys of `source`: serial lines and TCP, MQTT, folders of files; and how lines are cut into frames."""

from __future__ import annotations

from .choices import OneOf
from .kinds import Choice, Integer, Text
from .measures import Octets, duration, size
from .names import ABSOLUTE, HostPort, TopicFilter
from .shapes import Key, Section

_START = Key(Octets(16), "bytes a frame begins with; others before it are dropped and counted", "none")
_MAX = Key(size(1, 64 << 10, "4KiB"), "longest frame", "4KiB")

FRAMING = OneOf(
    "framing",
    {
        "delimiter": Section(
            "framing.delimiter",
            {
                "bytes": Key(Octets(16), "what ends a frame", r'"\n"'),
                "strip": Key(Octets(16, 0), "bytes removed from the end of a frame", r'"\r"'),
                "start": _START,
                "max": _MAX,
            },
            short="bytes",
        ),
        "fixed": Section(
            "framing.fixed",
            {"size": Key(size(1, 64 << 10, "32B"), "length of each frame", required=True), "start": _START},
            short="size",
        ),
        "length": Section(
            "framing.length",
            {
                "offset": Key(Integer(0, 4096), "position of the length field [bytes]", "0"),
                "bytes": Key(Choice(("1", "2", "4")), "width of the length field [bytes]", "1"),
                "order": Key(Choice(("big", "little")), "byte order of the length field", "big"),
                "adjust": Key(
                    Integer(-65_536, 65_536),
                    "added to the field to get the size of the whole frame [bytes]",
                    "0",
                ),
                "start": _START,
                "max": _MAX,
            },
        ),
        "burst": Section(
            "framing.burst",
            {
                "gap": Key(duration(0.001, 60, "20ms"), "silence that ends a frame", required=True),
                "max": _MAX,
            },
            short="gap",
        ),
    },
)

_BAUD = (
    *("300", "600", "1200", "1800", "2400", "4800", "9600", "19200", "38400", "57600", "115200"),
    *(
        "230400",
        "460800",
        "500000",
        "576000",
        "921600",
        "1000000",
        "1500000",
        "2000000",
        "3000000",
        "4000000",
    ),
)

_LINES = Section(
    "source.lines",
    {
        "port": Key(ABSOLUTE, "serial device, best by name: /dev/serial/by-id/…"),
        "tcp": Key(HostPort(), "host:port of a serial server or an instrument"),
        "baud": Key(Choice(_BAUD), "speed [bit/s]", "9600"),
        "parity": Key(Choice(("N", "E", "O")), "none, even, odd", "N"),
        "stop_bits": Key(Choice(("1", "1.5", "2")), "stop bits", "1"),
        "data_bits": Key(Choice(("7", "8")), "data bits", "8"),
        "silence": Key(duration(1, 86_400), "reopen after this much silence", "never"),
        "framing": Key(FRAMING, "how the bytes are cut into frames", "lines that end with a line feed"),
    },
    one_of=("port", "tcp"),
)

SERIAL_ONLY = ("baud", "parity", "stop_bits", "data_bits")

_MQTT_SOURCE = Section(
    "source.mqtt",
    {
        "topic": Key(TopicFilter(), "topic filter on the broker of the device", required=True),
        "qos": Key(Integer(0, 1), "1: acknowledged only when safe", "1"),
    },
)

_FILES = Section(
    "source.files",
    {
        "path": Key(ABSOLUTE, "watched folder", required=True),
        "pattern": Key(
            Text(r"[^/\x00-\x1f\x7f]+", "a file name pattern without `/`"), "which files, as in a shell", "*"
        ),
        "settle": Key(
            duration(0.05, 3600, "1s"), "a file is finished when it stayed unchanged this long", "1s"
        ),
        "poll": Key(duration(0.05, 3600, "500ms"), "how often the folder is read", "500ms"),
        "after": Key(Choice(("keep", "delete", "move")), "what happens to a file that is safe", "keep"),
        "move_to": Key(ABSOLUTE, "folder for `after: move`, on the same file system"),
        "max": Key(size(1, 1 << 40, "8GiB"), "larger files are refused", "8GiB"),
    },
)

_DEVICES = "drivers for this come in a later version; `lines` reads any serial port or TCP stream"

SOURCE = OneOf(
    "source",
    {"mqtt": _MQTT_SOURCE, "lines": _LINES, "files": _FILES},
    later=dict.fromkeys(("modbus", "sysfs", "ble", "sdi12", "http", "i2c", "can"), _DEVICES),
)
