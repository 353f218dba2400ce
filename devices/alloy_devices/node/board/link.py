"""The way to the broker: Wi-Fi, connection, back-off. One step at a time, so that the UART is never left alone."""

import random

import network
from mqtt_min import Client, MQTTError

JOIN_MS = 15000  # a network that has not been joined by then is asked for again
FIRST_MS = 1000  # pause before the second try; doubles with each further one
LAST_MS = 60000


class Link:
    """Up or down; `failed` says why it went down last. Times are milliseconds since the board began."""

    def __init__(self, settings: dict, name: str, feed) -> None:
        self.wifi = settings["wifi"]
        self.mqtt = settings["mqtt"]
        self.name = name
        self.feed = feed
        self.wlan = network.WLAN(network.STA_IF)
        self.client = None
        self.failed = ""
        self.pause = FIRST_MS
        self.retry_at = 0
        self.join_at = 0

    def bring_up(self, now: int, will_topic: str, will: bytes) -> bool:
        """One try, where it is time for one; whether the link is up now."""
        if now < self.retry_at or not self.joined(now):
            return False
        mqtt = self.mqtt
        self.client = Client(
            mqtt["host"], mqtt["port"], self.name, mqtt["user"], mqtt["password"], mqtt["version"]
        )
        try:
            self.client.connect(will_topic, will, self.feed)
        except (OSError, MQTTError) as error:
            self.take_down(now, error)
            return False
        return True

    def joined(self, now: int) -> bool:
        """Whether Wi-Fi is there; asks for it from time to time."""
        if self.wlan.isconnected():
            return True
        if now >= self.join_at:
            self.join_at = now + JOIN_MS
            try:
                self.wlan.active(True)
                self.wlan.connect(self.wifi["ssid"], self.wifi["key"] or None)
            except OSError as error:  # the driver is still busy with the last try
                self.failed = f"Wi-Fi: {error}"
        return False

    def take_down(self, now: int, error) -> None:
        """The connection is of no use any more: wait a while, longer each time, not all boards at once."""
        self.client.close()
        self.client = None
        self.failed = f"{type(error).__name__}: {error}"
        self.retry_at = now + self.pause // 2 + self.pause * random.getrandbits(8) // 512
        self.pause = min(self.pause * 2, LAST_MS)

    def works(self) -> None:
        """A message arrived: the next failure is a first one."""
        self.pause = FIRST_MS
