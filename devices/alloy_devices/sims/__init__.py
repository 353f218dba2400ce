"""Simulators: the other half of a protocol, with faults. Deterministic for a seed; for demo and tests."""
