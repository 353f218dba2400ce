"""What the syntax tree does not show: names, numbers and texts that CPython reads and boards read otherwise or not."""

from __future__ import annotations

import io
import re
import tokenize

from .findings import Sink

_WORDS = "if|else|and|or|in|is|not|for"
_SUSPECT = re.compile(
    rf"""[^\x00-\x7f]|\\N|\\[4-7][0-7]{{2}}|[A-Z]['"]|\b[0-9][\w.]*({_WORDS})\b""", re.ASCII
)
_ESCAPES = re.compile(r"(?<!\\)(\\\\)*\\(N|[4-7][0-7]{2})")  # names of characters; beyond one byte


def spelling(source: bytes, sink: Sink) -> None:
    """Refuse names outside ASCII, which CPython normalises, and literals that MicroPython's lexer does not take.

    Most files have nothing suspect and are not taken apart.
    """
    text = source.decode("utf-8", "replace")
    if _SUSPECT.search(text) is None:
        return
    end = (0, 0)  # of a number
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            rule = ""
            if token.type == tokenize.NAME:
                rule = "L050" if not token.string.isascii() else "L051" if token.start == end else ""
            elif token.type == tokenize.STRING and not _plain(token.string):
                rule = "L051"
            end = token.end if token.type == tokenize.NUMBER else (0, 0)
            if rule:
                line, column = token.start
                sink.at(
                    rule,
                    line,
                    len(token.line[:column].encode()) + 1,
                    f"`{token.string[:40].split(chr(10))[0]}`",
                )
    except (tokenize.TokenError, SyntaxError):  # what the parser takes and the tokenizer does not
        sink.at("L051", 1, 1, "something here")


def _plain(text: str) -> bool:
    """Whether a board reads a string literal as CPython does."""
    prefix = text[: min(text.find(quote) for quote in "'\"" if quote in text)]
    return prefix == prefix.lower() and ("r" in prefix or _ESCAPES.search(text) is None)
