"""A small MQTT 5 broker on loopback: for the demo, for tests, and as fault injector. Not for production."""

from .options import BrokerOptions, Faults
from .server import Broker

__all__ = ["Broker", "BrokerOptions", "Faults"]
