"""What the end of a worker means: exit code or signal in, stable error code out. Pure."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Final

from alloy_transforms.sandbox.zygote import EXIT_FAILED, EXIT_MEMORY, EXIT_SETUP


@dataclass(frozen=True, slots=True)
class ExitStatus:
    """How a worker ended.

    Attributes:
        signal: number of the signal that ended it; 0 when it exited by itself.
        code: exit code; -1 when a signal ended it.
        cpu_s: user and system time it used [s].
        max_rss_bytes: largest resident size, pages shared with the zygote included.
        why: what the zygote said of it: the failing import or layer, or that the zygote itself died.
    """

    signal: int
    code: int
    cpu_s: float = 0.0
    max_rss_bytes: int = 0
    why: str = ""

    def describe(self) -> str:
        """One clause for messages."""
        if self.signal:
            try:
                text = signal.Signals(self.signal).name
            except ValueError:
                text = f"signal {self.signal}"
        else:
            text = f"exit code {self.code}"
        return f"{text}: {self.why}" if self.why else text


HINTS: Final[dict[str, str]] = {
    "script.cpu": "the CPU limit of a worker spans all of its batches; make the transform cheaper",
    "script.crash": "the interpreter or a library died inside the jail; run the input with `alloy-edge try`",
    "script.memory": "raise `memory_mb` in NEEDS within the device's ceiling, or hold less",
    "script.wall": "the worker was killed at its wall-clock limit; make the transform cheaper",
    "violation.protocol": "the worker did not keep to its protocol, which the runner inside always does",
    "violation.syscall": "transforms have no files, network, processes or threads",
    "worker.setup": "this happens before user code runs; `alloy-edge doctor` shows what the host lacks",
    "worker.unsealed": "this kernel did not do what the jail asked of it; `alloy-edge doctor` shows what it has",
    "worker.zygote": "start the zygote again, then the worker",
}


LOAD_CODES: Final = frozenset({"load.elf", "load.arch", "load.abi"})
"""What a child may say of its native module before the jail closes."""


def error_code(status: ExitStatus, *, killed_as: str = "", cpu_limit_s: int = 0) -> str:
    """The stable code for an end nobody asked for.

    Args:
        status: how the worker ended.
        killed_as: the code the supervisor gave when it killed the worker itself; it wins over the signal.
        cpu_limit_s: the worker's CPU limit, to tell the kernel's SIGKILL for CPU from one for memory.
    """
    if killed_as and status.signal == signal.SIGKILL:
        return killed_as
    if status.signal == signal.SIGSYS:
        return "violation.syscall"
    if status.signal == signal.SIGXCPU:
        return "script.cpu"
    if status.signal == signal.SIGKILL:
        # Neither we nor the CPU limit: only the out-of-memory killer is left on a healthy host.
        return "script.cpu" if cpu_limit_s and status.cpu_s >= cpu_limit_s else "script.memory"
    if status.code == EXIT_MEMORY:
        return "script.memory"
    if (
        status.code == EXIT_SETUP and status.why
    ):  # without a reason it was sealed already, and this is its own doing
        code = status.why.partition(":")[0]
        return code if code in LOAD_CODES else "worker.setup"
    return "script.crash"


__all__ = ["EXIT_FAILED", "EXIT_MEMORY", "EXIT_SETUP", "HINTS", "ExitStatus", "error_code"]
