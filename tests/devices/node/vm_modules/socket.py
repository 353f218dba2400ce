"""`socket` on the MicroPython VM, which has none: descriptor 0 of the test, connected already and non-blocking."""

import binascii
import errno

import descriptors

SOCK_STREAM = 1


def getaddrinfo(host, port, af=0, type=0):
    return [(2, type, 6, "", (host, port))]


class socket:
    def __init__(self, *family):
        self.family = family

    def settimeout(self, seconds):
        self.seconds = seconds

    def connect(self, address):
        self.address = address

    def readinto(self, buffer):
        if self.seconds:
            raise OSError(errno.EINVAL, "the node never waits for the broker in a read")
        text = descriptors.read(0, len(buffer))
        if text is None:
            return None
        data = binascii.unhexlify(text)
        buffer[: len(data)] = data
        return len(data)

    def write(self, data):
        return descriptors.write(0, binascii.hexlify(data).decode())

    def close(self):
        raise SystemExit("the node closed its connection")
