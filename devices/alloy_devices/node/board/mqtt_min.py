"""A small MQTT client for boards that publish: MQTT 3.1.1 or 5.0, QoS 0 and 1, last will.

Every packet leaves in one write: several small ones wait for each other (Nagle and delayed acknowledgement: 44 ms a
message on loopback, measured). Nothing is read that is not there, nothing waits longer than `timeout_ms`, no packet
is larger than its limit, one message is unacknowledged at a time. Clauses are of MQTT 3.1.1, with 5.0 in brackets.
"""

import errno
import socket
import time

CONNECT, CONNACK, PUBLISH, PUBACK, PINGREQ, PINGRESP, DISCONNECT = 0x10, 0x20, 0x30, 0x40, 0xC0, 0xD0, 0xE0
SEND_BYTES = 4096  # largest packet that is sent
TAKE_BYTES = 512  # largest packet that is taken
WAIT_MS = 5  # between two looks for the answer to CONNECT
MAX_QOS, MAX_PACKET, SERVER_KEEPALIVE, USER_PROPERTY = 0x24, 0x27, 0x13, 0x26
NUMBERS = {0x11: 4, 0x13: 2, 0x21: 2, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1}


class MQTTError(Exception):
    """The broker refused, or broke the protocol."""


def string(text) -> bytes:
    """Text or bytes with their length before them (1.5.3 [1.5.4])."""
    data = text.encode() if isinstance(text, str) else text
    if len(data) > 65535:
        raise ValueError("longer than 65535 bytes")
    return bytes((len(data) >> 8, len(data) & 0xFF)) + data


def packet(head: int, body: bytes) -> bytes:
    """A whole packet (2.2)."""
    out = bytearray([head])
    left = len(body)
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out) + body


def properties(data: bytes) -> dict:
    """The numbers among the properties of a CONNACK [3.2.2.3]."""
    found = {}
    size = at = 0
    for byte in data[:2]:  # two bytes of length are enough for what is taken
        size |= (byte & 0x7F) << 7 * at
        at += 1
        if byte < 0x80:
            break
    if not data or len(data) != at + size:
        raise MQTTError("malformed properties")
    while at < len(data):
        kind = data[at]
        at += 1
        if kind in NUMBERS:
            number = 0
            for byte in data[at : at + NUMBERS[kind]]:
                number = number << 8 | byte
            found[kind] = number
            at += NUMBERS[kind]
        else:
            for _ in range(2 if kind == USER_PROPERTY else 1):
                if at + 2 > len(data):
                    raise MQTTError("malformed properties")
                at += 2 + (data[at] << 8 | data[at + 1])
    if at != len(data):
        raise MQTTError("malformed properties")
    return found


class Client:
    """One connection; make a new one to connect again.

    Every call may raise OSError (the network) or MQTTError (the broker); the connection is of no use then: `close` it.
    """

    def __init__(
        self, host, port, name, user="", password="", version=4, keepalive_s=30, timeout_ms=3000
    ) -> None:
        self.host = host
        self.port = port
        self.name = name
        self.user = user
        self.password = password
        self.version = version
        self.keepalive_s = keepalive_s
        self.timeout_ms = timeout_ms
        self.largest = SEND_BYTES
        self.unacknowledged = 0  # packet identifier of the message that waits for its PUBACK
        self.number = 0
        self.socket = None
        self.buffer = bytearray(TAKE_BYTES + 5)
        self.filled = 0
        self.sent_at = self.asked_at = self.published_at = 0
        self.asked = False

    def connect(self, will_topic: str, will: bytes, feed) -> None:
        """Connect with a clean session and a retained last will; `feed` is called while waiting."""
        flags = 0x02 | 0x04 | 0x08 | 0x20  # clean session, will, its QoS 1, retained (3.1.2.3)
        extra = b"\x00" if self.version == 5 else b""
        body = string("MQTT") + bytes((self.version, flags | bool(self.user) << 7 | bool(self.password) << 6))
        body += bytes((self.keepalive_s >> 8, self.keepalive_s & 0xFF)) + extra
        body += string(self.name) + extra + string(will_topic) + string(will)
        if self.user:
            body += string(self.user)
        if self.password:
            body += string(self.password)
        place = socket.getaddrinfo(self.host, self.port, 0, socket.SOCK_STREAM)[0]
        feed()
        self.socket = socket.socket(place[0], place[1], place[2])
        self.socket.settimeout(self.timeout_ms / 1000)
        self.socket.connect(place[-1])
        feed()
        self.send(packet(CONNECT, body))
        self.connected(self.await_packet(feed))

    def await_packet(self, feed):
        """The next packet."""
        begun = time.ticks_ms()
        while True:
            found = self.take()
            if found is not None:
                return found
            if time.ticks_diff(time.ticks_ms(), begun) > self.timeout_ms:
                raise OSError(errno.ETIMEDOUT, "no answer to CONNECT")
            feed()
            time.sleep_ms(WAIT_MS)

    def connected(self, found) -> None:
        """Look at the answer to CONNECT (3.2)."""
        head, body = found
        if head != CONNACK or len(body) < 2 or (self.version == 4 and len(body) != 2):
            raise MQTTError("no CONNACK")
        if body[1]:
            raise MQTTError(f"the broker refused the connection: {body[1]}")
        if self.version == 5:
            limits = properties(body[2:])
            self.keepalive_s = limits.get(SERVER_KEEPALIVE, self.keepalive_s)
            self.largest = min(self.largest, limits.get(MAX_PACKET, self.largest))
            if limits.get(MAX_QOS, 1) == 0:
                raise MQTTError("the broker takes no QoS 1")

    def publish(self, topic: str, message: bytes, retain: bool = False, qos: int = 1) -> int:
        """Send a message; with QoS 1 `unacknowledged` is its identifier until the broker has it.

        Raises ValueError where it is too large, and MQTTError where another one is unacknowledged.
        """
        body = string(topic)
        if qos:
            if self.unacknowledged:
                raise MQTTError("one message at a time")
            self.number = self.number % 65535 + 1
            body += bytes((self.number >> 8, self.number & 0xFF))
        if self.version == 5:
            body += b"\x00"
        data = packet(PUBLISH | qos << 1 | int(retain), body + message)
        if len(data) > self.largest:
            raise ValueError("message too large")
        self.send(data)
        if qos:
            self.unacknowledged = self.number
            self.published_at = self.sent_at
        return self.number if qos else 0

    def check(self) -> None:
        """Take what the broker sent, without waiting; keep the connection alive and notice when it is not."""
        found = self.take()
        while found is not None:
            self.handle(found[0], found[1])
            found = self.take()
        now = time.ticks_ms()
        if self.unacknowledged and time.ticks_diff(now, self.published_at) > self.timeout_ms:
            raise OSError(errno.ETIMEDOUT, "no PUBACK")
        if self.asked and time.ticks_diff(now, self.asked_at) > self.timeout_ms:
            raise OSError(errno.ETIMEDOUT, "no PINGRESP")
        if (
            self.keepalive_s
            and not self.asked
            and time.ticks_diff(now, self.sent_at) > self.keepalive_s * 500
        ):
            self.send(packet(PINGREQ, b""))
            self.asked = True
            self.asked_at = now

    def handle(self, head: int, body: bytes) -> None:
        """One packet of the broker."""
        if head == PUBACK and len(body) >= 2:
            if not self.unacknowledged or body[0] << 8 | body[1] != self.unacknowledged:
                raise MQTTError("PUBACK for another message")
            if len(body) > 2 and body[2] >= 0x80:
                raise MQTTError(f"the broker refused a message: {body[2]}")
            self.unacknowledged = 0
        elif head == PINGRESP and not body:
            self.asked = False
        elif head == DISCONNECT and self.version == 5:
            raise MQTTError(f"the broker ended the connection: {body[0] if body else 0}")
        else:
            raise MQTTError(f"unexpected packet: {head}")

    def take(self):
        """The next (first byte, rest) if all of it is there."""
        found = self.parse()
        if found is None:
            self.receive()
            found = self.parse()
        return found

    def parse(self):
        """The packet at the begin of the buffer (2.2), taken out of it."""
        size = at = 0
        while True:
            if at + 1 >= self.filled:
                return None
            byte = self.buffer[at + 1]
            size |= (byte & 0x7F) << 7 * at
            at += 1
            if not byte & 0x80:
                break
            if at == 4:
                raise MQTTError("malformed length")
        if size > TAKE_BYTES:
            raise MQTTError(f"packet too large: {size}")
        end = at + 1 + size
        if end > self.filled:
            return None
        head = self.buffer[0]
        body = bytes(self.buffer[at + 1 : end])
        left = self.filled - end
        self.buffer[0:left] = self.buffer[end : self.filled]
        self.filled = left
        return head, body

    def receive(self) -> None:
        """Put what is there behind what the buffer holds."""
        self.socket.settimeout(0)
        count = self.socket.readinto(memoryview(self.buffer)[self.filled :])
        self.socket.settimeout(self.timeout_ms / 1000)
        if count == 0:
            raise OSError(errno.ECONNRESET, "the broker closed the connection")
        self.filled += count or 0

    def send(self, data: bytes) -> None:
        """One packet, one write."""
        if self.socket.write(data) != len(data):
            raise OSError(errno.ETIMEDOUT, "the packet was not sent")
        self.sent_at = time.ticks_ms()

    def close(self) -> None:
        """Close without a word: the broker sends the last will."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None
