"""Requests over MQTT: `req/<verb>` in, `res/<verb>` out, correlation data echoed.

Retained or expired requests are refused: a command must not fire because somebody subscribed late. A response
topic is honoured only where it is `alloy/1/<fleet>/<name>/res/…`: whoever may ask must not be able to make the
device write with its own rights what others take for data, a status, or a request to another device.
"""

from __future__ import annotations

import trio

from alloy_agent.errors import AgentError, LinkError
from alloy_agent.mqtt.link import Link, Message
from alloy_agent.mqtt.topics import Topics

from . import logs
from .verbs import Failure, Request, Response, Verbs, decode_request, encode_response

LOG = logs.get("requests")
SUBSCRIBE_AGAIN_S = 60.0

MAX_RESPONSE_TOPIC = 256  # characters


def response_topic(topics: Topics, message: Message, verb: str) -> str:
    """Where the answer goes: the asked topic if it is a place of answers in our fleet, else the default."""
    asked = message.response_topic
    levels = asked.removeprefix(topics.fleet_root + "/").split("/")
    if (
        asked.startswith(topics.fleet_root + "/")
        and len(asked) <= MAX_RESPONSE_TOPIC
        and len(levels) >= 3
        and levels[1] == "res"
        and not set(asked) & set("+#\0")
    ):
        return asked
    return topics.res(verb)


async def answer(verbs: Verbs, message: Message, verb: str) -> tuple[Response, bool]:
    """The answer to one request message, and whether it is JSON."""
    if message.retain:
        failure = Failure("control.retained", "a retained request is refused", "publish it without retain")
        return Response("", ok=False, error=failure), True
    try:
        request, as_json = decode_request(message.payload)
    except AgentError as error:
        return Response("", ok=False, error=Failure(error.code, str(error))), True
    return await verbs.answer(Request(request.id, verb, request.args), remote=True), as_json


async def serve_requests(link: Link, topics: Topics, verbs: Verbs) -> None:
    """Answer requests until cancelled, one at a time.

    A broker that does not let us subscribe is asked again, slowly; an answer that cannot be sent is left out.
    Neither concerns the pipelines.
    """
    while True:
        try:
            subscription = await link.subscribe(topics.req("+"), qos=1, queue=16)
            async for message in subscription:
                await _serve(link, topics, verbs, message)
        except LinkError as error:
            LOG.warning("requests.unavailable", code=error.code, error=error.what)
        await trio.sleep(SUBSCRIBE_AGAIN_S)


async def _serve(link: Link, topics: Topics, verbs: Verbs, message: Message) -> None:
    verb = message.topic.rsplit("/", 1)[-1]
    response, as_json = await answer(verbs, message, verb)
    message.acknowledge()
    if response.error is not None:
        LOG.warning("request.refused", verb=verb[:64], code=response.error.code)
    try:
        await link.publish(
            response_topic(topics, message, verb),
            encode_response(response, as_json=as_json),
            qos=1,
            content_type="application/json" if as_json else "application/msgpack",
            correlation_data=message.correlation_data,
        )
    except LinkError as error:
        LOG.warning("request.unanswered", verb=verb[:64], code=error.code, error=error.what)
