"""Descriptor and Manifest as trees of plain values, and back.

A field that has its default is left out, so equal documents have equal trees. Keys are those of
`docs/alloy.cddl`. Both encodings and `sid` rest on these trees.
"""

from __future__ import annotations

from ..record import (
    Attr,
    Descriptor,
    Dimension,
    Flags,
    Manifest,
    MissingRule,
    Packing,
    Provenance,
    Stage,
    TimeRef,
    Variable,
    VariableSummary,
)
from .fields import U32, U63, Fields, as_integer, as_number
from .limits import DEFAULT_LIMITS, Limits

VERSION = 1
ATTR_DEPTH = 8
Tree = dict[str, object]
_DEFAULT_PACKING = Packing()


def descriptor_tree(descriptor: Descriptor) -> Tree:
    """The tree of a descriptor; its deterministic CBOR is what `sid` digests."""
    return {
        "k": "d",
        "v": VERSION,
        "dims": [_said(name=dim.name, role=dim.role or None) | {"len": dim.size} for dim in descriptor.dims],
        "vars": [_variable(var) for var in descriptor.variables],
        "prov": _provenance(descriptor.prov),
        **_said(attrs=dict(descriptor.attrs) or None),
    }


def read_descriptor(tree: object, limits: Limits = DEFAULT_LIMITS) -> Descriptor:
    """A descriptor from its tree.

    Raises:
        RecordError: `record.field`, or what the record model refuses.
    """
    top = _open(tree, "descriptor", "d", limits)
    dims = tuple(_read_dimension(each) for each in _maps(top, "dims"))
    variables = tuple(_read_variable(each) for each in _maps(top, "vars"))
    prov = _read_provenance(Fields(top.take("prov"), "prov", limits))
    attrs = _read_attrs(top)
    top.close()
    return Descriptor(dims, variables, prov, attrs)


def manifest_tree(manifest: Manifest) -> Tree:
    """The tree of a manifest."""
    summaries = [
        {
            "var": each.var,
            "blocks": each.blocks,
            "counts": {int(quality): count for quality, count in each.counts.items()},
            "digest": each.digest,
            **_said(error=each.error or None, message=each.message or None),
        }
        for each in manifest.variables
    ]
    return {
        "k": "m",
        "v": VERSION,
        "sid": manifest.sid,
        "run": manifest.run,
        "status": manifest.status,
        "vars": summaries,
        **_said(errors=manifest.errors or None),
    }


def read_manifest(tree: object, limits: Limits = DEFAULT_LIMITS) -> Manifest:
    """A manifest from its tree.

    Raises:
        RecordError: `record.field`, or what the record model refuses.
    """
    top = _open(tree, "manifest", "m", limits)
    variables = []
    for each in _maps(top, "vars"):
        summary = VariableSummary(
            var=each.integer("var", U32),
            blocks=each.integer("blocks", U63),
            counts=_read_counts(each),
            digest=each.text("digest"),
            error=each.text("error", ""),
            message=each.text("message", ""),
        )
        each.close()
        variables.append(summary)
    manifest = Manifest(
        sid=top.text("sid"),
        run=top.text("run"),
        variables=tuple(variables),
        status=top.text("status"),
        errors=top.each("errors", _as_text_pair, "[code, message]"),
    )
    top.close()
    return manifest


def _open(tree: object, where: str, kind: str, limits: Limits) -> Fields:
    top = Fields(tree, where, limits)
    found = top.text("k")
    if found != kind:
        raise top.error("k", "another kind of message", found, repr(kind))
    version = top.integer("v")
    if version != VERSION:
        raise top.error("v", "unknown version of the record model", version, str(VERSION))
    return top


def _maps(top: Fields, key: str) -> list[Fields]:
    return [Fields(each, f"{key}[{index}]", top.limits) for index, each in enumerate(top.array(key))]


def _said(**fields: object) -> Tree:
    """The fields that are not None."""
    return {key: value for key, value in fields.items() if value is not None}


def _read_dimension(fields: Fields) -> Dimension:
    size = None if fields.null("len") else fields.integer("len", U63)
    dim = Dimension(fields.text("name"), size, fields.text("role", ""))
    fields.close()
    return dim


def _variable(var: Variable) -> Tree:
    return _said(
        name=var.name,
        dims=var.dims,
        dtype=var.dtype,
        path=var.path or None,
        unit=var.unit,
        unit_src=var.unit_src,
        quantity=var.quantity,
        pack=_packing(var.pack) if var.pack is not None else None,
        missing=_missing(var.missing) if var.missing is not None else None,
        flags=_flags(var.flags) if var.flags is not None else None,
        time=_time(var.time) if var.time is not None else None,
        coords=var.coords or None,
        range=var.range,
        chunk=var.chunk,
        codec=var.codec or None,
        attrs=dict(var.attrs) or None,
    )


def _read_variable(fields: Fields) -> Variable:
    var = Variable(
        name=fields.text("name"),
        dims=fields.texts("dims"),
        dtype=fields.text("dtype"),
        path=fields.text("path", ""),
        unit=fields.maybe_text("unit"),
        unit_src=fields.maybe_text("unit_src"),
        quantity=fields.maybe_text("quantity"),
        pack=_read_packing(fields.inner("pack")) if fields.has("pack") else None,
        missing=_read_missing(fields.inner("missing")) if fields.has("missing") else None,
        flags=_read_flags(fields.inner("flags")) if fields.has("flags") else None,
        time=_read_time(fields.inner("time")) if fields.has("time") else None,
        coords=fields.texts("coords"),
        range=_read_limits(fields, "range", whole=False),
        chunk=fields.integers("chunk") if fields.has("chunk") else None,
        codec=fields.texts("codec"),
        attrs=_read_attrs(fields),
    )
    fields.close()
    return var


def _packing(pack: Packing) -> Tree:
    default = _DEFAULT_PACKING
    return _said(
        exp10=pack.exp10,
        scale=pack.scale if pack.scale != default.scale else None,
        offset=pack.offset if pack.offset != default.offset else None,
        unsigned=pack.unsigned or None,
        out=pack.out if pack.out != default.out else None,
    )


def _read_packing(fields: Fields) -> Packing:
    pack = Packing(
        exp10=fields.integer("exp10") if fields.has("exp10") else None,
        scale=fields.real("scale", 1.0),
        offset=fields.real("offset", 0.0),
        unsigned=fields.flag("unsigned", False),
        out=fields.text("out", "f8"),
    )
    fields.close()
    return pack


def _missing(rule: MissingRule) -> Tree:
    return _said(
        fills=rule.fills or None,
        values=rule.missing_values or None,
        implicit=rule.implicit,
        valid=rule.valid,
    )


def _read_missing(fields: Fields) -> MissingRule:
    implicit = None
    if fields.has("implicit"):
        raw = fields.take("implicit")
        implicit = as_number(raw)
        if implicit is None:
            raise fields.error("implicit", "not a number", raw, "number")
    rule = MissingRule(
        fills=fields.each("fills", as_number, "numbers"),
        missing_values=fields.each("values", as_number, "numbers"),
        implicit=implicit,
        valid=_read_limits(fields, "valid", whole=True),
    )
    fields.close()
    return rule


def _read_limits(
    fields: Fields, key: str, *, whole: bool
) -> tuple[int | float | None, int | float | None] | None:
    if not fields.has(key):
        return None
    pair = fields.array(key)
    low, high = (
        (None if each is None else as_number(each) for each in pair) if len(pair) == 2 else (None, None)
    )
    if len(pair) != 2 or [low, high].count(None) != pair.count(None):
        raise fields.error(key, "not a pair of limits", pair, "[number or null, number or null]")
    if whole:
        return low, high
    return None if low is None else float(low), None if high is None else float(high)


def _flags(flags: Flags) -> Tree:
    return _said(values=flags.values or None, masks=flags.masks or None, meanings=flags.meanings or None)


def _read_flags(fields: Fields) -> Flags:
    flags = Flags(fields.integers("values"), fields.integers("masks"), fields.texts("meanings"))
    fields.close()
    return flags


def _time(ref: TimeRef) -> Tree:
    return _said(
        epoch_ns=ref.epoch_ns,
        tick_ns=float(ref.tick_ns),
        calendar=ref.calendar if ref.calendar != "standard" else None,
        scale=ref.scale if ref.scale != "UTC" else None,
    )


def _read_time(fields: Fields) -> TimeRef:
    ref = TimeRef(
        epoch_ns=fields.integer("epoch_ns") if fields.has("epoch_ns") else None,
        tick_ns=fields.real("tick_ns"),
        calendar=fields.text("calendar", "standard"),
        scale=fields.text("scale", "UTC"),
    )
    fields.close()
    return ref


def _provenance(prov: Provenance) -> Tree:
    stages = [{"name": each.name, "digest": each.digest, "tier": each.tier} for each in prov.stages]
    return _said(
        src=prov.source,
        reader=prov.reader,
        stages=stages or None,
        size=prov.size,
        mtime_ns=prov.mtime_ns,
        format=prov.format or None,
    )


def _read_provenance(fields: Fields) -> Provenance:
    stages = []
    for each in _maps(fields, "stages") if fields.has("stages") else ():
        stages.append(Stage(each.text("name"), each.text("digest"), each.text("tier")))
        each.close()
    prov = Provenance(
        source=fields.text("src"),
        reader=fields.text("reader"),
        stages=tuple(stages),
        size=fields.integer("size", U63) if fields.has("size") else None,
        mtime_ns=fields.integer("mtime_ns") if fields.has("mtime_ns") else None,
        format=fields.text("format", ""),
    )
    fields.close()
    return prov


def _read_attrs(fields: Fields) -> dict[str, Attr]:
    raw = fields.take("attrs", {})
    if not isinstance(raw, dict):
        raise fields.error("attrs", "not a map", raw, "map")
    found: dict[str, Attr] = {}
    for name, value in raw.items():
        if not isinstance(name, str):
            raise fields.error("attrs", "an attribute's name is not a text", name, "text")
        found[name] = _read_attr(fields, name, value, 0)
    return found


def _read_attr(fields: Fields, name: str, value: object, depth: int) -> Attr:
    if isinstance(value, str | int | float | bytes):
        return value
    if isinstance(value, list | tuple) and depth < ATTR_DEPTH:
        return tuple(_read_attr(fields, name, each, depth + 1) for each in value)
    raise fields.error(f"attrs.{name[:80]}", "not an attribute value", value, "text, number, bytes or array")


def _read_counts(fields: Fields) -> dict[int, int]:
    raw = fields.take("counts")
    if not isinstance(raw, dict):
        raise fields.error("counts", "not a map", raw, "map")
    found: dict[int, int] = {}
    for quality, count in raw.items():
        key, value = as_integer(quality), as_integer(count)
        if key is None or value is None or value < 0:
            raise fields.error("counts", "not a count per quality", {quality: count}, "{quality: count}")
        found[key] = value
    return found


def _as_text_pair(value: object) -> tuple[str, str] | None:
    if isinstance(value, list | tuple) and len(value) == 2:
        code, message = value
        if isinstance(code, str) and isinstance(message, str):
            return code, message
    return None
