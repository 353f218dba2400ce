"""Write the figures of `alloy-edge bench --json` into docs/performance.md, between its two marks.

alloy-edge bench --json > bench.json && python benchmarks/table.py bench.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from alloy_agent.cli.bench import number

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"


def row(figure: dict[str, Any]) -> str:
    """One figure as a line of the table; the verdict is in bold where the budget is not met."""
    verdict = figure["verdict"]
    marked = f"**{verdict}**" if verdict in ("over", "short") else verdict
    ratio = f"{figure['ratio']:.2f}x {figure['peer']}" if figure["ratio"] is not None else ""
    spread = f"{number(figure['minimum'])} .. {number(figure['maximum'])}"
    cells = (
        f"`{figure['name']}`", f"{number(figure['value'])} {figure['unit']}", spread, ratio,
        figure["budget"], marked, figure["note"],
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def table(document: dict[str, Any]) -> str:
    """Machine, then every figure."""
    machine = document["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    head = [
        f"{machine['date']}: {machine['cpu']}, {machine['cores']} cores, {machine['memory_mb']} MB, "
        f"flags {' '.join(machine['flags'])}, kernel {machine['kernel']}, Python {machine['python']}, "
        f"load {machine['load_1min']} before and {document['load_1min_after']} after.",
        f"Versions: {versions}.",
        "",
        "| figure | median | spread | against (above 1: ahead) | budget | verdict | how |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *(row(figure) for figure in document["figures"])]) + "\n"


def main(source: str) -> None:
    """Replace what is between the marks."""
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"{PAGE}: the marks are not there")
    PAGE.write_text(before + BEGIN + table(json.loads(Path(source).read_text())) + END + after)


if __name__ == "__main__":
    main(sys.argv[1])
