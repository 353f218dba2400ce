"""Which modules a transform may import, and what has to be loaded with each before the jail closes.

Nothing can be imported once a worker is sealed: what a module would import later, at first use, is named here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

PORTABLE_MODULES = frozenset({"kit", "fmath", "struct", "math", "binascii"})
"""Imports that the portable profile allows."""

GATEWAY_MODULES = PORTABLE_MODULES | {
    "array", "base64", "bisect", "collections", "collections.abc", "dataclasses", "datetime", "decimal", "enum",
    "fractions", "functools", "hashlib", "itertools", "json", "re", "statistics", "string", "zlib",
}  # fmt: skip
"""The closed list (DESIGN 6); a device's `sandbox.modules` adds to it."""

OWN_MODULES: Mapping[str, str] = {
    "kit": "alloy_transforms.portable.kit",
    "fmath": "alloy_transforms.portable.fmath",
}
"""Modules that transforms know under a plain name."""

LATER: Mapping[str, tuple[str, ...]] = {
    "datetime": ("_strptime",),
    "decimal": ("numbers",),
    "json": ("json.decoder", "json.encoder"),
}
"""Modules that a module imports only when a function of it is first called."""

ALWAYS = ("unicodedata", "encodings.ascii", "encodings.latin_1", "encodings.cp1252", "encodings.utf_16",
          "encodings.utf_16_le", "encodings.utf_16_be", "encodings.utf_8_sig")  # fmt: skip
"""What would be looked for in the file system: by the parser (names beyond ASCII, `\\N{...}`), by `bytes.decode`."""


LANGUAGE = "alloy_transforms.lang.check"
"""What a checking worker needs beyond the others; the core has it imported before the jail closes."""
LINTER = "alloy_transforms.sandbox.lint"
"""The same for a worker that lints."""
BUILDER = "alloy_transforms.sandbox.build"
"""The same for a worker that hands out the IR."""

BOARDKIT_HINT = "compute with & and shifts, return rows: bytes are made where they are sent"
"""What to do instead of `import boardkit`: it is for board programs."""


def to_load(imports: Iterable[str]) -> tuple[str, ...]:
    """The modules a worker must be given before it is sealed, for a transform with these imports."""
    names: dict[str, None] = {}
    for name in imports:
        for each in (name, *LATER.get(name.partition(".")[0], ())):
            names[OWN_MODULES.get(each, each)] = None
    return tuple(names)


def allowed(name: str, extra: Iterable[str] = ()) -> bool:
    """Whether a transform may import `name` on a device whose policy adds `extra`."""
    return name in GATEWAY_MODULES or name in frozenset(extra)
