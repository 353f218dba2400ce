"""The one-shot compiler: a configuration folder in, one checked document out, in a process of its own.

    python -m alloy_agent.config.compile --config /etc/alloy-edge > document.msgpack

Exit code 3 when `agent.yaml` is invalid, else 0: a broken pipeline is left out and named, and never stops the
others. Nothing here imports trio, numpy or user code.
"""

from __future__ import annotations

import argparse
import resource
import sys
from pathlib import Path

import msgspec

from .folder import compile_folder
from .limits import COMPILE_CPU_S, COMPILE_DATA_BYTES, MAX_DOCUMENT_BYTES

EXIT_INVALID = 3


def limit_self() -> None:
    """Bound this process: CPU, memory, no core dump. The caller adds wall clock and output size."""
    for what, soft in (
        (resource.RLIMIT_CPU, COMPILE_CPU_S),
        (resource.RLIMIT_DATA, COMPILE_DATA_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def main(argv: list[str] | None = None) -> int:
    """Compile and write the document to standard output."""
    parser = argparse.ArgumentParser(
        prog="alloy_agent.config.compile", description="Compile a configuration folder."
    )
    parser.add_argument("--config", type=Path, required=True, help="folder with agent.yaml and pipelines/")
    args = parser.parse_args(argv)
    limit_self()
    document = compile_folder(args.config)
    encoded = msgspec.msgpack.encode(document)
    if len(encoded) > MAX_DOCUMENT_BYTES:
        sys.stderr.write(f"the document has {len(encoded)} bytes, more than {MAX_DOCUMENT_BYTES}\n")
        return 1
    sys.stdout.buffer.write(encoded)
    sys.stdout.buffer.flush()
    return 0 if document.device_valid else EXIT_INVALID


if __name__ == "__main__":
    sys.exit(main())
