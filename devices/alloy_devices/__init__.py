"""Sources of Alloy Edge: framing, drivers, simulators, file formats."""
