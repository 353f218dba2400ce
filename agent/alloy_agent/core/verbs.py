"""The verb table: what the daemon can be asked, over MQTT (`req/<verb>`) and over the local socket alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from alloy_agent.errors import AgentError
from alloy_agent.native import CodedError

from . import logs

LOG = logs.get("verbs")

MAX_REQUEST_BYTES = 64 * 1024
MAX_ID = 128  # characters

Handler = Callable[[Mapping[str, Any]], Awaitable[Any]]


class Request(msgspec.Struct, frozen=True):
    """One request: `id` is echoed, `args` are the verb's own."""

    id: str = ""
    verb: str = ""
    args: dict[str, Any] = {}


class Failure(msgspec.Struct, frozen=True):
    """Why a request failed."""

    code: str
    message: str
    hint: str = ""
    got: str = ""
    expected: str = ""


class Response(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to one request: exactly one of `result` and `error` means something."""

    id: str
    ok: bool
    result: Any = None
    error: Failure | None = None


@dataclass(slots=True)
class Verbs:
    """Registered handlers; `remote` ones may be asked over MQTT too."""

    handlers: dict[str, Handler] = field(default_factory=dict)
    remote: set[str] = field(default_factory=set)

    def add(self, verb: str, handler: Handler, *, remote: bool) -> None:
        """Register a verb once."""
        if verb in self.handlers:
            raise RuntimeError(f"verb `{verb}` is registered twice")
        self.handlers[verb] = handler
        if remote:
            self.remote.add(verb)

    async def answer(self, request: Request, *, remote: bool) -> Response:
        """Run one request; coded errors become part of the answer."""
        identity = request.id[:MAX_ID]
        handler = self.handlers.get(request.verb)
        if handler is None or (remote and request.verb not in self.remote):
            known = sorted(self.remote if remote else self.handlers)
            hint = f"known verbs: {', '.join(known)}"
            return Response(
                identity, ok=False, error=Failure("control.unknown_verb", request.verb[:64], hint)
            )
        try:
            return Response(identity, ok=True, result=await handler(request.args))
        except CodedError as error:
            failure = Failure(error.code, error.what, error.hint, error.got, error.expected)
            return Response(identity, ok=False, error=failure)
        except Exception as error:  # a fault of ours in one verb: said and logged, the pipelines run on
            LOG.error("verb.failed", verb=request.verb, error=f"{type(error).__name__}: {error}")
            return Response(identity, ok=False, error=Failure("control.failed", type(error).__name__))


def decode_request(data: bytes) -> tuple[Request, bool]:
    """Read a request; JSON if it starts with `{`, MessagePack otherwise.

    Returns:
        The request and whether it was JSON (the answer uses the same encoding).

    Raises:
        AgentError: `control.bad_request`.
    """
    is_json = data.lstrip()[:1] == b"{"
    if not data:
        return Request(), True
    if len(data) > MAX_REQUEST_BYTES:
        raise AgentError(
            "control.bad_request",
            "request too large",
            got=f"{len(data)} B",
            expected=f"<= {MAX_REQUEST_BYTES} B",
        )
    try:
        if is_json:
            return msgspec.json.decode(data, type=Request), True
        return msgspec.msgpack.decode(data, type=Request), False
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise AgentError("control.bad_request", "request cannot be read", got=str(error)[:200]) from error


def encode_response(response: Response, *, as_json: bool) -> bytes:
    """Encode an answer; bounded by what handlers return. One that cannot be encoded is a fault of ours, and said."""
    encode = msgspec.json.encode if as_json else msgspec.msgpack.encode
    try:
        return encode(response)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        LOG.error("answer.failed", error=f"{type(error).__name__}: {error}")
        return encode(Response(response.id, ok=False, error=Failure("control.failed", type(error).__name__)))
