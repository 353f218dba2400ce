"""Python face of the sandbox's system calls (`native/jail`).

`seal` is called once in a forked child, as the last thing before untrusted
bytes or code; there is no way back.
The other functions are what a zygote needs and pure Python lacks without `socket`.
"""

from __future__ import annotations

from collections.abc import Sequence

from alloy_native import _native

__all__ = [
    "LAYERS",
    "PROFILES",
    "die_with_parent",
    "probe",
    "receive_message",
    "seal",
    "send_message",
    "trim_heap",
]

PROFILES: tuple[str, ...] = ("transform", "decoder", "reference")
LAYERS: tuple[str, ...] = (
    "pdeathsig",
    "close_fds",
    "rlimits",
    "namespaces",
    "dumpable",
    "capabilities",
    "no_new_privs",
    "landlock",
    "seccomp",
)
"""Every layer, in the order in which `seal` applies them."""


def seal(
    profile: str,
    *,
    memory_bytes: int,
    cpu_s: int,
    keep_fds: Sequence[int],
    report_fd: int = -1,
    path: str = "",
    layers: Sequence[str] = LAYERS,
    allow_degraded: bool = False,
) -> dict[str, int | bool]:
    """Lock this process in; single-threaded processes only.

    Args:
        profile: one of PROFILES.
        memory_bytes: what may be allocated beyond the present size of the process.
        cpu_s: CPU seconds until SIGXCPU; one second later the kernel kills.
        keep_fds: descriptors that stay open; every other one is closed.
        report_fd: stays open until just before seccomp, so that the caller can report a failing layer on it.
        path: `reference` only: the one file that may be opened, for reading; no symbolic link.
        layers: which layers to apply; anything but LAYERS is for tests.
        allow_degraded: go on without seccomp where the host has none.

    Returns:
        Layer -> what is active: bool; for `landlock` its ABI (0 = none);
        for `rlimits` that on address space [bytes].

    Raises:
        ValueError: unknown profile or layer, or `path` does not fit the profile.
        OSError: a layer that must hold could not be applied; its name is the exception's `filename`.
    """
    return _native.jail_seal(
        profile, memory_bytes, cpu_s, list(keep_fds), report_fd, path, list(layers), allow_degraded
    )


def probe() -> dict[str, int | str | bool]:
    """What this host offers: kernel, arch, arch_supported, seccomp, landlock_abi, userns, cgroup.

    `userns` is tried in a short-lived child; nothing else has an effect.
    """
    return _native.jail_probe()


def die_with_parent(parent_pid: int) -> bool:
    """Have the kernel kill this process when its parent ends; False when it had ended already."""
    return _native.jail_die_with_parent(parent_pid)


def trim_heap() -> None:
    """Give free memory of this process's heap back to the kernel (glibc only): after a start, once."""
    _native.jail_trim_heap()


def send_message(fd: int, data: bytes, fds: Sequence[int] = ()) -> None:
    """Send one message with descriptors (SCM_RIGHTS) on an AF_UNIX socket.

    Raises:
        OSError: the peer is gone, or the message is too long.
    """
    _native.jail_send_message(fd, data, list(fds))


def receive_message(fd: int, max_bytes: int, max_fds: int) -> tuple[bytes, list[int]]:
    """Receive one message and its descriptors (close-on-exec); `(b"", [])` when the peer has gone.

    Raises:
        OSError: `EMSGSIZE` when the message or its descriptors did not fit; those that came are closed.
    """
    return _native.jail_receive_message(fd, max_bytes, max_fds)
