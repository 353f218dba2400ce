"""Generated inputs of a transform: what its EXAMPLES show, changed at every place where two tiers might differ.

The gate before a promotion and the differential tests run them through both tiers. Deterministic in (contract,
examples, count, seed), on every supported Python. Pure: nothing of the transform runs here.
"""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any

from .mutate import FLOATS, INTS, Payload
from .sandbox.answers import Example
from .sandbox.contract import Contract, Field
from .sandbox.examples import inputs_of

MAX_BYTES = 8 << 20  # of all payloads; a record may have 64 KiB
EXTRA = 8  # bytes by which a payload is made longer, at most, one length after the other
MINOR = 0.3  # share of the changes that may go to a number beside a payload
MORE = 0.8  # share of the changes that begin at an input of `more`
TRIES = 12  # to find an input that is not there yet
Inputs = tuple[Any, ...]
_NUMBER = re.compile(rb"(?<![\w.])(?:0[xX][0-9a-fA-F_]+|0|[1-9][0-9_]*)(?![\w.])")
_TEXT = re.compile(rb"""b["']([^"'\\]{0,16})["']""")


def cases(
    contract: Contract,
    examples: Sequence[Example],
    count: int,
    seed: int,
    *,
    more: Sequence[Inputs] = (),
    words: Sequence[bytes | int] = (),
    whole: bool = True,
    limit_bytes: int = MAX_BYTES,
) -> list[Inputs]:
    """Inputs in the order of the contract's INPUT: the examples themselves, other lengths of them, changes of them.

    Args:
        contract: of the transform.
        examples: its EXAMPLES; without one there is only noise.
        count: how many; a small number has some of each kind.
        seed: another one gives other cases.
        more: further good inputs, such as live ones, or those of an earlier call that gave rows: changes of these reach
            deeper. They are not themselves in the answer.
        words: of `words`: what the file compares its inputs with.
        limit_bytes: of all payloads together; there are fewer inputs where they are longer.
        whole: whether the examples themselves and other lengths of them come first.
    """
    known = [(tuple(inputs_of(contract, e)), e) for e in examples]
    seeds = [given for given, _ in known if None not in given]
    sound = [given for given, e in known if not e.error and None not in given] or seeds
    often = sound + [given for given, e in known if e.rows and None not in given] * 3
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    kinds = [kind for _, kind in contract.inputs]
    makers = [
        _maker(kind, [given[i] for given in sound], contract.outputs, words, chance)
        for i, kind in enumerate(kinds)
    ]
    out: list[Inputs] = []
    used = 0
    seen = set(more)
    for one in chain(seeds, _lengths(sound, kinds, max(0, count - len(seeds)) // 8)) if whole else ():
        if len(out) < count and used < limit_bytes:
            used += _bytes(one)
            seen.add(one)
            out.append(one)
    while len(out) < count and used < limit_bytes:
        for attempt in range(TRIES):
            base = more if more and chance.random() < MORE else often
            one = chance.choice(base) if base else tuple(make(None) for make in makers)
            for _ in range(1 + attempt // 4):  # short payloads run out of single changes
                one = _changed(one, makers, chance)
            if one not in seen:
                break
        used += _bytes(one)
        seen.add(one)
        out.append(one)
    return out


def _bytes(given: Inputs) -> int:
    return sum(len(v) for v in given if isinstance(v, bytes))


def words(source: bytes) -> list[bytes | int]:
    """Numbers and byte strings written in the code of a file, behind its declarations; nothing is parsed or run.

    Numbers as often as they are written and in that order: what is asked for together stands together.
    """
    code = source[source.find(b"\ndef ") :]
    numbers = [int(text.replace(b"_", b""), 0) for text in _NUMBER.findall(code)]
    return [*(n for n in numbers if n < 1 << 32), *sorted({text for text in _TEXT.findall(code) if text})]


def _changed(base: Inputs, makers: Sequence[_Make], chance: random.Random) -> Inputs:
    """One input with one of its values changed, and now and then the others too."""
    values = list(base)
    payloads = [i for i, v in enumerate(base) if isinstance(v, bytes)]
    main = chance.choice(payloads) if payloads and chance.random() > MINOR else chance.randrange(len(base))
    for i, make in enumerate(makers):
        if i == main or chance.random() < (0.05 if payloads else 0.5):
            values[i] = make(values[i])
    return tuple(values)


def _lengths(sound: Sequence[Inputs], kinds: Sequence[str], most: int) -> Iterator[Inputs]:
    """Every shorter and some longer forms of each bytes value; evenly thinned out to `most`."""
    places = [(i, given) for i, kind in enumerate(kinds) if kind == "bytes" for given in sound]
    ends = list(accumulate(len(given[i]) + EXTRA for i, given in places))
    total = ends[-1] if ends else 0
    for k in range(min(most, total)):
        at = k * total // min(most, total)
        (i, given), end = next((place, end) for place, end in zip(places, ends, strict=True) if at < end)
        whole: bytes = given[i]
        size = at - (end - len(whole) - EXTRA)
        yield (
            *given[:i],
            whole[:size] if size < len(whole) else whole + bytes(size - len(whole) + 1),
            *given[i + 1 :],
        )


_Make = Callable[[Any], Any]


def _maker(
    kind: str,
    others: Sequence[Any],
    fields: Sequence[Field],
    words: Sequence[bytes | int],
    chance: random.Random,
) -> _Make:
    """What changes a value of one input; given None it makes one."""
    if kind == "bytes":
        return Payload(others, fields, words, chance).changed
    known: Mapping[str, Sequence[Any]] = {
        "int": (*INTS, *(w for w in words if isinstance(w, int))),
        "float": FLOATS,
        "bool": (False, True),
    }
    edges = known.get(kind, ("", "0", "é"))

    def number(value: Any) -> Any:
        how = chance.random()
        if how < 0.4 and others:
            return chance.choice(others)
        if how < 0.6 and kind in ("int", "float") and value is not None and abs(value) < 1 << 62:
            step = chance.randrange(-3, 4)
            return value + step if kind == "int" else value * (1.0 + step * 2.0**-52) + step
        if how < 0.8 and kind in ("int", "float"):
            return _any_number(kind, chance)
        return chance.choice(edges)

    return number


def _any_number(kind: str, chance: random.Random) -> int | float:
    """An integer of any length up to 64 bits; a float of moderate size, or of any bits."""
    if kind == "int":
        return chance.getrandbits(chance.randrange(1, 64)) * chance.choice((1, -1))
    if chance.random() < 0.7:
        return chance.uniform(-1.0, 1.0) * 10.0 ** chance.randrange(-4, 7)
    value: float = struct.unpack("<d", chance.randbytes(8))[0]
    return value if value == value else FLOATS[-1]
