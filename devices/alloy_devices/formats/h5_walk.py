"""Walk an HDF5 file by hard links only; soft links are judged, never followed.

A soft link to something inside is another name of an object that its hard link delivers. One that leads
outside, nowhere or in a circle is reported. Every component of a path is looked up with its link class first:
looking at the last one only is bypassed by an external link in the middle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from h5py import h5, h5g, h5l, h5o, h5p

from .model import Limits, Problem

_MAX_HOPS = 64


@dataclass(slots=True)
class Tree:
    """What a walk found: datasets and groups by path, in a stable order, each object once.

    Attributes:
        datasets: (path, object address).
        groups: paths, the root as "/".
        addresses: object address -> path of every object.
    """

    datasets: list[tuple[str, int]] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    addresses: dict[int, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def shown(name: bytes) -> str:
    """A link name as text; bytes that are no UTF-8 are escaped."""
    return name.decode("utf-8", "backslashreplace")


def walk(root: h5g.GroupID, limits: Limits) -> Tree:
    """List everything below `root` within the limits.

    Args:
        root: the root group, of an untrusted file.
    """
    tree = Tree(groups=["/"])
    tree.addresses[_address(root, b".")] = "/"
    stack: list[tuple[bytes, int, frozenset[int]]] = [(b"/", 0, frozenset({_address(root, b".")}))]
    objects = 0
    while stack:
        path, depth, ancestors = stack.pop()
        below: list[tuple[bytes, int, frozenset[int]]] = []
        for name, kind in _links(root, path, limits, tree.problems):
            objects += 1
            if objects > limits.objects:
                tree.problems.append(
                    Problem("format.too_many", f"more than {limits.objects} objects", shown(path))
                )
                return tree
            full = (path if path.endswith(b"/") else path + b"/") + name
            if kind == h5l.TYPE_HARD:
                _hard(root, full, depth, ancestors, limits, tree, below)
            elif kind == h5l.TYPE_SOFT:
                problem = _judge_soft(root, full)
                if problem is not None:
                    tree.problems.append(problem)
            else:
                tree.problems.append(
                    Problem("format.outside_reference", "external links are never followed", shown(full))
                )
        stack.extend(reversed(below))
    return tree


def _hard(
    root: h5g.GroupID,
    full: bytes,
    depth: int,
    ancestors: frozenset[int],
    limits: Limits,
    tree: Tree,
    below: list[tuple[bytes, int, frozenset[int]]],
) -> None:
    try:
        info = h5o.get_info(root, full)
    except (KeyError, RuntimeError, OSError, ValueError) as error:
        tree.problems.append(Problem("format.malformed", f"object header: {_reason(error)}", shown(full)))
        return
    address = int(info.addr)
    if address in tree.addresses:
        if address in ancestors:
            tree.problems.append(
                Problem("format.link_cycle", f"hard link back to {tree.addresses[address]}", shown(full))
            )
        return
    tree.addresses[address] = shown(full)
    if info.type == h5o.TYPE_DATASET:
        tree.datasets.append((shown(full), address))
    elif info.type == h5o.TYPE_GROUP:
        if depth + 1 > limits.depth:
            tree.problems.append(
                Problem("format.too_deep", f"groups deeper than {limits.depth} are not read", shown(full))
            )
            return
        tree.groups.append(shown(full))
        below.append((full, depth + 1, ancestors | {address}))


def _address(root: h5g.GroupID, path: bytes) -> int:
    return int(h5o.get_info(root, path).addr)


def _reason(error: BaseException) -> str:
    return str(error).splitlines()[0][:160] if str(error) else type(error).__name__


def _links(
    root: h5g.GroupID, path: bytes, limits: Limits, problems: list[Problem]
) -> Iterator[tuple[bytes, int]]:
    """Names and link classes of one group, in creation order where the file keeps it."""
    found: list[tuple[bytes, int]] = []

    def note(name: bytes, info: h5l.LinkInfo) -> bool | None:
        found.append((bytes(name), int(info.type)))
        return True if len(found) > limits.objects else None

    try:
        group = h5g.open(root, path)
        flags = group.get_create_plist().get_link_creation_order()
        by_creation = bool(flags & h5p.CRT_ORDER_TRACKED) and bool(flags & h5p.CRT_ORDER_INDEXED)
        group.links.iterate(
            note, idx_type=h5.INDEX_CRT_ORDER if by_creation else h5.INDEX_NAME, info=True, order=h5.ITER_INC
        )
    except (KeyError, RuntimeError, OSError, ValueError, TypeError) as error:
        problems.append(Problem("format.malformed", f"group: {_reason(error)}", shown(path)))
    yield from found


def _judge_soft(root: h5g.GroupID, full: bytes) -> Problem | None:
    """Follow a soft link by link classes alone; None when it ends at an object inside the file."""
    pending = _parts(full)
    at: list[bytes] = []
    hops = 0
    while pending:
        part = pending.pop(0)
        if part == b".":
            continue
        here = b"/" + b"/".join([*at, part])
        try:
            kind = int(root.links.get_info(here).type)
        except (KeyError, RuntimeError, OSError, ValueError):
            return Problem("format.dangling_link", "soft link to nothing", shown(full))
        if kind == h5l.TYPE_HARD:
            at.append(part)
            continue
        if kind != h5l.TYPE_SOFT:
            return Problem("format.outside_reference", "soft link through an external link", shown(full))
        hops += 1
        if hops > _MAX_HOPS:
            return Problem("format.link_cycle", "soft links in a circle", shown(full))
        try:
            target = bytes(root.links.get_val(here))
        except (KeyError, RuntimeError, OSError, ValueError):
            return Problem("format.malformed", "soft link cannot be read", shown(full))
        if target.startswith(b"/"):
            at = []
        pending = _parts(target) + pending
        if len(pending) > 4096:
            return Problem("format.link_cycle", "soft links grow without end", shown(full))
    return None


def _parts(path: bytes) -> list[bytes]:
    return [p for p in path.split(b"/") if p]
