"""`alloy-edge run`: the daemon."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

HELP = "Run the daemon in the foreground: under systemd, or by hand for a look."
EXAMPLE = "alloy-edge run --config /etc/alloy-edge"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `run`."""
    parser.add_argument("--config", type=Path, default=Path("/etc/alloy-edge"), help="configuration folder")
    parser.add_argument("--state-dir", type=Path, help="overrides `state_dir` of agent.yaml")
    parser.add_argument("--run-dir", type=Path, help="overrides `run_dir` of agent.yaml")
    parser.add_argument("--log-json", action="store_true", help="log as JSON lines on standard error")


def run(args: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT; 0 drained, 1 something was left unacknowledged, 3 configuration invalid."""
    import trio

    from alloy_agent.config.client import compile_config
    from alloy_agent.core import logs
    from alloy_agent.core.daemon import Daemon, Folders, run_until_signal
    from alloy_agent.errors import AgentError

    from .check import render

    async def main() -> int:
        document = await compile_config(args.config)
        for problem in document.problems:
            print(render(problem, args.config), file=sys.stderr)
        if not document.device_valid:
            return 3
        logs.setup(level=document.agent.log_level, as_json=args.log_json)
        agent = document.agent
        folders = Folders(args.state_dir or Path(agent.state_dir), args.run_dir or Path(agent.run_dir))
        daemon = Daemon(document, folders)
        drained = await run_until_signal(daemon, (signal.SIGTERM, signal.SIGINT))
        return 0 if drained else 1

    try:
        return trio.run(main)
    except AgentError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3 if error.code.startswith("config.") else 1
