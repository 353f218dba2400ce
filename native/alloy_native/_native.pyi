"""Types of the compiled module, written by hand and checked with stubtest."""

ABI: int

# --- jail (see jail.py) ---
def jail_seal(
    profile: str,
    memory_bytes: int,
    cpu_s: int,
    keep_fds: list[int],
    report_fd: int,
    path: str,
    layers: list[str],
    allow_degraded: bool,
) -> dict[str, int | bool]: ...
def jail_probe() -> dict[str, int | str | bool]: ...
def jail_die_with_parent(parent_pid: int) -> bool: ...
def jail_send_message(fd: int, data: bytes, fds: list[int]) -> None: ...
def jail_receive_message(fd: int, max_bytes: int, max_fds: int) -> tuple[bytes, list[int]]: ...

# --- end of jail ---
