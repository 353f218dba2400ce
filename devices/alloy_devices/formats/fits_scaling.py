"""Scale, zero and null of a FITS image or column -> packing, missing rule and kernel rules.

Source: FITS Standard 4.0, sections 4.4.2.5 (BSCALE, BZERO, BLANK), 7.3.2 (TSCALn, TZEROn, TNULLn), 5.2.5 (the
unsigned convention).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from alloy_transforms.record import MissingRule, Packing, Reason

from .model import Element, Problem, Rules


@dataclass(frozen=True, slots=True)
class Scaled:
    """How one image or column is to be read; `dtype` is that of the values that come out."""

    dtype: str
    pack: Packing | None
    missing: MissingRule | None
    rules: Rules
    refused: Problem | None = None


def scaled(
    element: Element,
    scale: float | None,
    zero: float | None,
    null: int | None,
    suspect: Reason,
    path: str,
) -> Scaled:
    """Combine the keywords of one image or column.

    Args:
        element: as stored.
        null: BLANK or TNULLn; it means something for integers only and is compared before scaling.
    """
    scale = 1.0 if scale is None else scale
    zero = 0.0 if zero is None else zero
    missing = MissingRule(fills=(null,)) if null is not None and element.kind in "iu" else None
    rules = Rules(suspect=suspect)
    if not (math.isfinite(scale) and math.isfinite(zero)) or scale == 0.0:
        refused = Problem("format.bad_scaling", f"scale {scale}, zero {zero}", path)
        return Scaled(element.dtype, None, missing, rules, refused)
    if (scale, zero) == (1.0, 0.0):
        return Scaled(element.dtype, None, missing, rules)
    if element.kind == "i" and scale == 1.0 and zero == float(1 << (8 * element.size - 1)):
        out = f"u{element.size}"
        pack = Packing(unsigned=True, out=out)
        if missing is not None and null is not None:
            missing = MissingRule(fills=(null + (1 << (8 * element.size - 1)),))
        return Scaled(out, pack, missing, Rules("offset", suspect))
    wide = element.kind in "iu" and element.size <= 2
    return Scaled(
        element.dtype, Packing(scale=scale, offset=zero, out="f4" if wide else "f8"), missing, rules
    )
