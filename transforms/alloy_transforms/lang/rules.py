"""The rules of the portable language: a stable id, an error code, the reason, and what to write instead.

L0xx: a construct that is not in the language (`build.lang`); L1xx: types and declarations (`build.type`); L2xx:
limits (`build.limit`); G3xx: general lint, which every profile gets. Ids are never used for another rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: `why` completes the sentence that names the construct; `hint` says what to write instead."""

    code: str
    why: str
    hint: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding in a file; `line` and `column` count from 1, 0: the whole file."""

    rule: str
    what: str
    line: int
    column: int
    hint: str = ""

    @property
    def code(self) -> str:
        """The dotted error code."""
        return RULES[self.rule].code

    @property
    def warning(self) -> bool:
        """Whether the file is usable all the same."""
        return self.rule.startswith("G")


def _lang(why: str, hint: str) -> Rule:
    return Rule("build.lang", why, hint)


def _type(why: str, hint: str) -> Rule:
    return Rule("build.type", why, hint)


def _limit(why: str, hint: str) -> Rule:
    return Rule("build.limit", why, hint)


RULES: Mapping[str, Rule] = {
    "L001": _lang(
        "is no statement of the portable language",
        "use assignments, if, while, for over range, return, yield, raise",
    ),
    "L002": _lang(
        "is no expression of the portable language",
        "use names, numbers, arithmetic, comparisons and calls of functions",
    ),
    "L003": _lang(
        "is not available to a portable transform",
        "import kit, fmath, struct, math or binascii, each as `import name`",
    ),
    "L004": _lang(
        "defines a class, which boards treat differently and the native tier has not", "use functions"
    ),
    "L005": _lang(
        "is a function inside an expression or a function", "write a `def` at the level of the module"
    ),
    "L006": _lang(
        "builds a sequence of unknown length", "write a `for` loop over range that computes one value"
    ),
    "L007": _lang(
        "handles exceptions, whose types differ between boards and CPython",
        "test the condition before: lengths, zero, range",
    ),
    "L008": _lang("needs objects with methods", "leave it out: a transform holds no resources"),
    "L009": _lang(
        "makes or formats text; float formatting differs in the last digit between tiers",
        "return the number: sinks format it; use an enum field for fixed words",
    ),
    "L010": _lang(
        "shares variables between functions", "pass values as arguments, keep them between inputs in STATE"
    ),
    "L011": _lang("uses star, keyword or default arguments", "pass each argument in its place"),
    "L012": _lang(
        "has no usable annotation",
        "annotate parameters with int, float, bool or bytes and the result with int, float or bool; "
        "`transform` returns dict",
    ),
    "L013": _lang(
        "calls itself, directly or through others", "write a loop: recursion has no bound on boards"
    ),
    "L014": _lang(
        "is not known in the portable language", "define it in this file, or use kit, fmath or math"
    ),
    "L015": _lang("is a method call", "index bytes, use kit.field and kit.fixed for text in bytes"),
    "L016": _lang(
        "reads an attribute", "only kit.*, fmath.*, math.*, struct.unpack and binascii.crc32 are known"
    ),
    "L017": _lang(
        "makes a list, set, tuple or dict where no value of that kind is known",
        "use separate variables, a module constant tuple as a table, or a row",
    ),
    "L018": _lang(
        "iterates over something that is no range; dict and set order differ between boards and CPython",
        "write `for i in range(n):` and index",
    ),
    "L019": _lang(
        "is a power; 46 % of float powers differ between tiers",
        "write x * x, a shift, or fmath.pow; an integer may have a small constant exponent",
    ),
    "L020": _lang(
        "comes from the C library of the machine, whose last digits differ", "use the function of fmath"
    ),
    "L021": _lang(
        "rounds to decimals, which differs between CPython and boards",
        "scale to an integer: int(x * 100.0 + 0.5), and say exp10 in OUTPUT",
    ),
    "L022": _lang("adds in an order and precision that changed between Python versions", "write the loop"),
    "L023": _lang(
        "is a builtin outside the portable language", "use len, abs, min, max, int, float, bool, round"
    ),
    "L024": _lang("compares identity or membership", 'use == on values; only `"field" in row` is allowed'),
    "L025": _lang("assigns inside an expression", "assign on a line of its own"),
    "L026": _lang("is a match statement, which boards do not have", "use if and elif"),
    "L027": _lang("is an assert, which optimisation removes", 'use `if not ...: raise ValueError("...")`'),
    "L028": _lang("deletes a name", "leave it out"),
    "L029": _lang("decorates a function", "leave the decorator out"),
    "L030": _lang("is asynchronous", "bytes in, rows out: a transform waits for nothing"),
    "L031": _lang("is the else of a loop", "set a bool variable before `break` and test it after the loop"),
    "L032": _lang(
        "raises something whose code would not be the same in every tier",
        'raise ValueError("literal text"), or IndexError, OverflowError, ZeroDivisionError',
    ),
    "L033": _lang(
        "assigns to something that is no single name", 'assign to one name, `s["key"]` or `row["key"]`'
    ),
    "L034": _lang(
        "is a float in a file of the `int` profile; most boards have 32-bit floats",
        "use scaled integers and exp10 in OUTPUT",
    ),
    "L035": _lang("is a slice with a step, which boards refuse", "index in a loop"),
    "L036": _lang(
        "is a struct format that tiers read differently",
        "a literal that begins with < or >, codes b B h H i I q Q f d x and counts",
    ),
    "L037": _lang(
        "unpacks bytes whose length is not known to fit: boards ignore extra bytes silently",
        "unpack a slice of exactly that width, such as payload[2:6]",
    ),
    "L038": _lang(
        "does something while the module is loaded", "keep constants, declarations and functions there"
    ),
    "L039": _lang(
        "is no constant of the portable language",
        "use int, float, bool, bytes, or a tuple of numbers of one type",
    ),
    "L040": _lang(
        "gives another answer at each run", "declare it as an input; the record's time is the receive time"
    ),
    "L041": _lang(
        "raises on overflow in CPython and gives inf on boards",
        "bound the number and the exponent before, or multiply by a constant",
    ),
    "L042": _lang(
        "is bytes of variable width outside a row: only spans of the input leave a transform",
        "give the slice constant width, or put it into a bytes field",
    ),
    "L043": _lang(
        "writes to the log, which boards and the native tier have not", 'leave it out, or PROFILE = "gateway"'
    ),
    "L044": _lang(
        "wraps silently on boards where CPython raises", "compute with & and shifts; boardkit packs on boards"
    ),
    "L045": _lang(
        "is a chained comparison whose middle is computed twice or once", "give the middle a name first"
    ),
    "L046": _lang("has no effect", "leave it out"),
    "L047": _lang("has no value on boards or in the native tier", "leave the key out: absent means missing"),
    "L048": _lang("has a meaning only on boards", "write plain Python: the native tier is the fast one"),
    "L049": _lang(
        "hides a name that the language reads, and tiers look such names up differently", "use another name"
    ),
    "L050": _lang(
        "is a name with letters outside ASCII, whose spelling CPython changes and boards do not",
        "write names in ASCII",
    ),
    "L051": _lang(
        "is spelled in a way that boards do not read",
        "write prefixes in small letters, a blank behind a number, and \\xff for a byte",
    ),
    "L101": _type("does not take these types", "convert with int(), float() or bool() where it is meant"),
    "L102": _type(
        "changes the type of a variable", "use a second name, or write 0.0 for a float that starts at zero"
    ),
    "L103": _type("is not assigned on every path to here", "assign it before the branch or the loop"),
    "L104": _type(
        "is called with other arguments than it takes",
        "pass one argument of the right type for each parameter",
    ),
    "L105": _type(
        "returns another type than the function declares", "return what the annotation says, on every path"
    ),
    "L106": _type("can end without a result", "end every path with return or raise"),
    "L107": _type("is not set on every path and not optional", 'set it, or write "optional": True in OUTPUT'),
    "L108": _type("is no field of OUTPUT", "add it to OUTPUT, or correct the key"),
    "L109": _type("does not fit the type of its field", "convert it, or declare the field with another type"),
    "L110": _type("does not fit STATE", 'STATE = {"count": 0}: int, float or bool, each keeps its type'),
    "L111": _type("does not fit PARAMS", 'PARAMS = {"offset": 0}; read it as PARAMS["offset"]'),
    "L112": _type("is no condition", "compare it: len(b) > 0, x != 0"),
    "L113": _type(
        "`and`, `or`, `not` take bool only: boards and Python return an operand", "compare each side"
    ),
    "L114": _type(
        "turns an integer into a float without proof that it lies within 2**53; beyond, tiers round differently",
        "bound it before: a mask, or `if x > 9007199254740992: raise ValueError(...)`",
    ),
    "L115": _type(
        "does not agree with INPUT and STATE",
        "def transform(<keys of INPUT>, s: dict if there is STATE) -> dict",
    ),
    "L116": _type("is no table", "use a module constant: a tuple of ints or of floats"),
    "L117": _type(
        "is a row or the state, which may only be filled, tested, returned and yielded", "copy single values"
    ),
    "L118": _type("is no declaration that can be read without running the file", "write it as a literal"),
    "L120": _type("yields and returns a value", "yield every row; a bare return ends the input"),
    "L121": _type(
        "is not proven to be at most 4096; boards refuse a count beyond 30 bits, and CPython runs out of memory",
        "mask the count: x << (n & 63)",
    ),
    "L122": _type(
        "is not proven to be small (slices, ldexp: 32 bits, ranges: 2**30); boards raise OverflowError where CPython "
        "goes on",
        "bound it before: a mask, or `if i < 0 or i > len(b): raise ValueError(...)`",
    ),
    "L123": _type(
        "does not fit an element-wise transform",
        "def f(x: float, ...) -> float: elements and constants are floats",
    ),
    "L202": _limit("is nested too deeply", "give parts of it a name"),
    "L203": _limit("has too many parts", "split the transform"),
    "L204": _limit("is a table with too many entries", "compute the values"),
    "L205": _limit("takes too long to analyse", "use fewer nested loops and smaller functions"),
    "L206": _limit("does not fit 128 bits", "use smaller numbers"),
    "L207": _limit("calls functions too deep", "call fewer functions from functions"),
    "G301": _lang("is an input that is never used", "remove it from INPUT, or use it"),
    "G302": _lang("can never be reached", "remove it"),
    "G303": _lang(
        "there are no EXAMPLES",
        "add one input with the rows that come out: they are the self-test at install",
    ),
    "G304": _lang("there is no docstring", "say which instrument and which document it comes from"),
    "G305": _lang("is defined and never used", "remove it"),
    "G306": _lang("is a field that is never set", "remove it from OUTPUT, or set it"),
    "G307": _lang("is declared in PARAMS or STATE and never used", "remove it, or use it"),
}
"""Rule id -> rule; ids are never used again for something else."""
