"""`network` on the MicroPython VM, which has none: always there."""

STA_IF = 0


class WLAN:
    def __init__(self, interface):
        self.interface = interface

    def isconnected(self):
        return True
