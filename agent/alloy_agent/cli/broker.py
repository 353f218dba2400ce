"""`alloy-edge broker`: the small MQTT broker of demo and tests, and its faults."""

from __future__ import annotations

import argparse
import json
import signal
import sys

HELP = "small MQTT 5 broker on loopback, for demo and tests; not for production"
EXAMPLE = "alloy-edge broker --port 1883 --drop-after 100"

DEMO_QUEUE_MESSAGES = 4000
"""Messages one client may fall behind in the demo."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on")
    parser.add_argument("--port", type=int, default=0, help="TCP port; 0 (default): any free one")
    parser.add_argument("--json", action="store_true", help="print the address as one line of JSON")
    parser.add_argument("--demo", action="store_true", help="end when standard input closes; larger queues")
    faults = parser.add_argument_group("faults, played on purpose")
    faults.add_argument(
        "--drop-after", type=int, default=0, metavar="N", help="cut each connection at its N-th publish"
    )
    faults.add_argument(
        "--delay-puback", type=float, default=0.0, metavar="MS", help="hold every PUBACK this long"
    )
    faults.add_argument(
        "--reason16", action="store_true", help="say that nobody subscribed, to every publish"
    )
    faults.add_argument(
        "--wrong-ids", type=int, default=0, metavar="N", help="give the first N PUBACKs a wrong packet id"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    import trio

    from alloy_agent.broker import Broker, BrokerOptions, Faults
    from alloy_agent.errors import BrokerError

    async def watch_signals(scope: trio.CancelScope) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                scope.cancel()

    async def watch_stdin(scope: trio.CancelScope) -> None:
        try:
            async with trio.lowlevel.FdStream(sys.stdin.fileno()) as stdin:
                while await stdin.receive_some(1024):
                    pass
        except PermissionError:  # a file or /dev/null: nothing that could close
            return
        scope.cancel()

    async def serve(broker: Broker) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch_signals, nursery.cancel_scope)
            port = await nursery.start(broker.run)
            if args.json:
                print(json.dumps({"host": args.host, "port": port, "production": False}), flush=True)
            else:
                print(f"mqtt://{args.host}:{port} (not for production)", flush=True)
            if args.demo:
                nursery.start_soon(watch_stdin, nursery.cancel_scope)

    failed: list[BrokerError] = []
    try:
        options = BrokerOptions(
            host=args.host, port=args.port, queue_messages=DEMO_QUEUE_MESSAGES if args.demo else 1000
        )
        faults = Faults(args.drop_after, -1, args.delay_puback / 1000, args.reason16, args.wrong_ids)
        trio.run(serve, Broker(options, faults))
    except* BrokerError as group:
        failed += [error for error in group.exceptions if isinstance(error, BrokerError)]
    for error in failed:
        print(f"error: {error}", file=sys.stderr)
    if not failed:
        return 0
    return 2 if failed[0].code in ("broker.option", "broker.address") else 1
