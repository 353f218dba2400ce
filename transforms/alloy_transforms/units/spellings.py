"""UCUM codes for the spellings of CF/UDUNITS, FITS and SenML.

An answer is what the text says by the rules of its convention, never what it probably means: a bare `C` or `F`
(coulomb and farad by UDUNITS, degrees in many files), `ppt`, `mb` and misspellings are not known. None: keep the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from . import tables
from .atoms import PREFIXES
from .expression import translate
from .ucum import is_ucum

MAX_CHARACTERS = 256


@lru_cache(maxsize=1024)
def from_cf(text: str) -> str | None:
    """UCUM of a CF `units` attribute (UDUNITS grammar and names); None when it is not known.

    Source: UDUNITS-2 unit database; CF Conventions 1.11, section 3.1.
    """
    return _known(text, tables.CF_WHOLE, _cf_symbol)


@lru_cache(maxsize=1024)
def from_fits(text: str) -> str | None:
    """UCUM of BUNIT, TUNITn or CUNITi; None when it is not known.

    Source: FITS Standard 4.0, section 4.3, tables 3 to 6.
    """
    return _known(text, tables.FITS_WHOLE, _fits_symbol)


def from_senml(text: str) -> str | None:
    """UCUM of a SenML unit; None when it is not known.

    Source: RFC 8428 section 12.1 and RFC 8798 (secondary units included).
    """
    return tables.SENML.get(text)


def from_any(text: str) -> str | None:
    """UCUM of a text of unknown convention: a UCUM code itself, else CF."""
    code = text.strip()
    return code if code and is_ucum(code) else from_cf(code)


def _known(text: str, whole: Mapping[str, str], symbol: object) -> str | None:
    trimmed = text.strip()
    if not trimmed or len(trimmed) > MAX_CHARACTERS:
        return None
    found = whole.get(trimmed) or whole.get(" ".join(trimmed.split()))
    if found is None and len(trimmed) >= tables.WORD:
        found = whole.get(trimmed.lower())
    if found is None and callable(symbol):
        found = translate(trimmed, symbol)
    return found if found is not None and is_ucum(found) else None


def _cf_symbol(symbol: str) -> str | None:
    return _symbol(symbol, tables.CF_SYMBOLS, tables.CF_PREFIXED, tables.CF_NAMES, tables.CF_NAMES_PREFIXED)


def _fits_symbol(symbol: str) -> str | None:
    return _symbol(symbol, tables.FITS_SYMBOLS, tables.FITS_PREFIXED, tables.FITS_NAMES, {})


def _symbol(
    symbol: str,
    symbols: Mapping[str, str],
    prefixed: Mapping[str, str],
    names: Mapping[str, str],
    names_prefixed: Mapping[str, str],
) -> str | None:
    """One symbol or name; symbols are case sensitive, words of four letters and more are not."""
    found = symbols.get(symbol) or prefixed.get(symbol)
    if found is not None:
        return found
    for prefix, ucum_prefix in tables.SYMBOL_PREFIXES.items():
        if symbol.startswith(prefix) and symbol[len(prefix) :] in prefixed:
            return _with_prefix(ucum_prefix, prefixed[symbol[len(prefix) :]])
    if len(symbol) < tables.WORD:
        return names.get(symbol)
    word = symbol.lower()
    for singular in (word, word.removesuffix("s"), word.removesuffix("es")):
        found = names.get(singular) or names_prefixed.get(singular)
        if found is not None:
            return found
        for prefix, ucum_prefix in tables.NAME_PREFIXES.items():
            if singular.startswith(prefix) and singular[len(prefix) :] in names_prefixed:
                return _with_prefix(ucum_prefix, names_prefixed[singular[len(prefix) :]])
    return None


def _with_prefix(prefix: str, code: str) -> str:
    """The prefix on the code where UCUM allows it, else the power of ten as a factor."""
    joined = prefix + code
    if is_ucum(joined) and not code.startswith("10*"):
        return joined
    exponent = PREFIXES[prefix][1]
    return f"10*{exponent}.{code}" if code.isalpha() or "'" in code else f"10*{exponent}.({code})"
