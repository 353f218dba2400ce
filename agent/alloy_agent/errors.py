"""Errors of this package and the registry of their codes."""

from .native import CodedError


class AgentError(CodedError):
    """Root of every error this package raises on purpose."""


CODES: dict[str, str] = {}
"""code -> meaning; codes are never reused. `docs/errors.md` is generated from this."""
