"""What changes hands when one version of a transform replaces another. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from alloy_agent.errors import WorkerError
from alloy_agent.workers.generation import Generation
from alloy_transforms.sandbox.contract import Contract, Field
from alloy_transforms.sandbox.protocol import decode_state


@dataclass(frozen=True, slots=True)
class Swap:
    """One change of version.

    Attributes:
        old: the generation that served before.
        digest_before, digest: of the versions.
        state: `kept`, `reset` (the versions declare different STATE) or `none`.
        held_ns: how long the stage was held between two batches [ns].
    """

    old: Generation
    digest_before: str
    digest: str
    state: str
    held_ns: int


def fits(label: str, present: Contract, following: Contract) -> None:
    """Nothing, or the error of a version whose fields are others: that is a reload of the pipeline.

    Raises:
        WorkerError: `transform.contract`.
    """
    for what, before, after in (
        ("INPUT", present.inputs, following.inputs),
        ("OUTPUT", present.outputs, following.outputs),
        ("kind", (_kind(present),), (_kind(following),)),
    ):
        if before != after:
            raise WorkerError(
                "transform.contract",
                f"the versions of the transform differ in {what}",
                where=label,
                got=", ".join(f.name if isinstance(f, Field) else str(f) for f in after),
                expected=", ".join(f.name if isinstance(f, Field) else str(f) for f in before),
                hint="change the pipeline's file and reload it",
            )


def _kind(contract: Contract) -> str:
    return "element-wise" if contract.elementwise else "record-wise"


def carried(state: bytes, old: Generation, following: Generation) -> tuple[bytes, str]:
    """The state the next version starts from, and `kept`, `reset` or `none`."""
    if not following.contract.stateful:
        return b"", "none"
    if old.contract.stateful and _shape(state) == _shape(following.first_state):
        return state, "kept"
    return following.first_state, "reset"


def _shape(state: bytes) -> dict[str, type]:
    return {name: type(value) for name, value in decode_state(state).items()}
