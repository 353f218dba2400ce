"""The rules in `docs/language.md`: `python -m alloy_transforms.lang.rules_doc docs/language.md` rewrites them."""

from __future__ import annotations

import sys
from pathlib import Path

from .rules import RULES

MARK = "<!-- rules -->"


def table() -> str:
    """The rules as a Markdown table."""
    lines = ["| rule | the construct ... | write instead |", "|---|---|---|"]
    lines += [f"| {name} | {_cell(rule.why)} | {_cell(rule.hint)} |" for name, rule in sorted(RULES.items())]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def rewritten(page: str) -> str:
    """The page with the table of today."""
    before, _, rest = page.partition(MARK)
    after = rest[rest.index("\n## ") :]
    return f"{before}{MARK}\n{table()}\n{after}"


def main() -> None:
    """Rewrite the page named."""
    path = Path(sys.argv[1])
    path.write_text(rewritten(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
