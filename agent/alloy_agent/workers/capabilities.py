"""What a transform may do on this device: declared in its file, allowed by `sandbox:` of agent.yaml. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from alloy_agent.config.model import Sandbox, Workers
from alloy_agent.errors import ForbiddenError
from alloy_transforms.sandbox.modules import GATEWAY_MODULES

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one transform, and the ceilings for what its file may ask for (`memory_mb`, `wall_ms`)."""

    wall_s: float = 0.25  # one batch
    first_wall_s: float = 1.0  # load, and the first batch of a worker; the check takes some times as long
    memory_bytes: int = 32 * MIB  # beyond the size after the fork
    wall_ceiling_s: float = 10.0
    memory_ceiling_bytes: int = 256 * MIB

    @classmethod
    def of(cls, workers: Workers, sandbox: Sandbox) -> Limits:
        """Those of a device."""
        allowed = sandbox.capabilities
        return cls(
            wall_s=workers.wall_ms / 1000,
            first_wall_s=workers.first_wall_ms / 1000,
            memory_bytes=workers.memory_mb * MIB,
            wall_ceiling_s=max(allowed.wall_ms, workers.wall_ms) / 1000,
            memory_ceiling_bytes=max(allowed.memory_mb, workers.memory_mb) * MIB,
        )

    def under(self, needs: Sequence[str]) -> Limits:
        """These limits with what NEEDS asks for, under the ceilings."""
        out = self
        for need in needs:
            kind, _, value = need.partition(":")
            if kind == "memory_mb":
                out = replace(out, memory_bytes=min(int(value) * MIB, self.memory_ceiling_bytes))
            elif kind == "wall_ms":
                wall = min(int(value) / 1000, self.wall_ceiling_s)
                out = replace(out, wall_s=wall, first_wall_s=max(wall, self.first_wall_s))
        return out


def forbidden(needs: Sequence[str], limits: Limits, sandbox: Sandbox) -> list[tuple[str, str]]:
    """What of `needs` the policy does not allow: (need, what is allowed)."""
    policy = sandbox.capabilities
    ceilings = {
        "memory_mb": limits.memory_ceiling_bytes // MIB,
        "wall_ms": round(limits.wall_ceiling_s * 1000),
        "rows": policy.rows,
    }
    switches = {"log": policy.log, "state": policy.state, "array": policy.array}
    out = []
    for need in needs:
        kind, _, value = need.partition(":")
        if kind in ceilings and int(value) > ceilings[kind]:
            out.append((need, f"{kind}:{ceilings[kind]}"))
        elif not switches.get(kind, True):
            out.append((need, f"no {kind}"))
        elif kind == "modules" and value not in GATEWAY_MODULES and value not in sandbox.modules:
            out.append((need, "the modules of the closed list and of `sandbox.modules`"))
    return out


def allow(label: str, needs: Sequence[str], limits: Limits, sandbox: Sandbox) -> Limits:
    """The limits a transform runs with.

    Raises:
        ForbiddenError: `transform.forbidden`, naming every capability that is not allowed.
    """
    refused = forbidden(needs, limits, sandbox)
    if refused:
        raise ForbiddenError(
            "transform.forbidden",
            "the policy of this device does not allow what the transform declares",
            where=label,
            got=", ".join(need for need, _ in refused),
            expected=", ".join(dict.fromkeys(allowed for _, allowed in refused)),
            hint="raise `sandbox.capabilities` or `sandbox.modules` in agent.yaml, or make the file need less",
        )
    return limits.under(needs)


def effective(needs: Sequence[str], limits: Limits) -> dict[str, Any]:
    """What a transform has, for status and `alloy-edge test`."""
    return {
        "memory_mb": limits.memory_bytes // MIB,
        "wall_ms": round(limits.wall_s * 1000),
        "rows": max((int(n.partition(":")[2]) for n in needs if n.startswith("rows:")), default=1),
        "log": "log" in needs,
        "state": "state" in needs,
        "array": "array" in needs,
        "modules": sorted(n.partition(":")[2] for n in needs if n.startswith("modules:")),
    }
