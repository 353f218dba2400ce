"""Types of the compiled module, written by hand and checked with stubtest."""

ABI: int
