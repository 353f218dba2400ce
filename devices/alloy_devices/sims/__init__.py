"""Simulators: the other half of a protocol, with faults."""
