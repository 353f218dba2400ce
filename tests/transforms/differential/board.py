# Runs transforms in MicroPython: on the VM of the tests, or on a board. Reads `job.txt`, prints one line per input.
# A board has no tracebacks to look at, so whether an error came out of kit is read from the printed one.
import binascii
import gc
import io
import struct
import sys

WORDS = (
    ("too short", 7),
    ("too long", 7),
    ("length", 7),
    ("requires a buffer", 7),
    ("past the end", 7),
    ("out of range", 5),
)
RANGES = {
    "enum": 1,
    "bool": 1,
    "u8": 8,
    "u16": 16,
    "u32": 32,
    "i8": 8,
    "i16": 16,
    "i32": 32,
    "i64": 64,
    "time_ns": 64,
}


class BadError(Exception):
    pass


def code_of(error):
    """The wire code of what left a transform; the rules of docs/errors.md."""
    if isinstance(error, BadError):
        return error.args[0]
    if isinstance(error, ZeroDivisionError):
        return 1
    if isinstance(error, IndexError):
        return 2
    if isinstance(error, OverflowError):
        return 4
    if not isinstance(error, ValueError):
        raise error
    words = str(error)
    if words == "buffer too small":  # struct.unpack
        return 7
    for word, code in WORDS:
        if word in words:
            text = io.StringIO()
            sys.print_exception(error, text)
            frames = [line for line in text.getvalue().split("\n") if "File " in line]
            if "kit.py" in frames[-1] or "fmath.py" in frames[-1]:
                return code
    return 3


def is_utf8(b):
    """Whether bytes are UTF-8 as Unicode 15 table 3-7 says; MicroPython's own decoder takes more."""
    i = 0
    while i < len(b):
        c = b[i]
        n = (
            0
            if c < 0x80
            else 1
            if 0xC2 <= c <= 0xDF
            else 2
            if 0xE0 <= c <= 0xEF
            else 3
            if 0xF0 <= c <= 0xF4
            else 9
        )
        if i + n >= len(b):
            return False
        for k in range(n):
            low = {0xE0: 0xA0, 0xF0: 0x90}.get(c, 0x80) if k == 0 else 0x80
            high = {0xED: 0x9F, 0xF4: 0x8F}.get(c, 0xBF) if k == 0 else 0xBF
            if not low <= b[i + 1 + k] <= high:
                return False
        i += n + 1
    return True


def float_text(value):
    if value != value:
        return "7ff8000000000000"
    return struct.pack(">d", value).hex()


def field_text(field, value):
    """One value of a row; raises where its type cannot hold it."""
    _, kind, optional, most = field
    if value is None:
        if not optional:
            raise BadError(6)
        return "-"
    if kind == "f64":
        return float_text(value)
    if kind in ("bytes", "text"):
        if kind == "text" and not is_utf8(value):
            raise BadError(3)
        if len(value) > most:
            raise BadError(5)
        return "x" + binascii.hexlify(value).decode()  # b"".hex() is bytes in MicroPython
    if kind in ("enum", "bool"):
        low, high = 0, most
    elif kind[0] == "u":
        low, high = 0, (1 << RANGES[kind]) - 1
    else:
        high = (1 << (RANGES[kind] - 1)) - 1
        low = -high - 1
    if not low <= value <= high:
        raise BadError(5)
    return str(int(value))


def state_text(value):
    return float_text(value) if isinstance(value, float) else str(int(value))


def given(kind, text):
    if kind == "bytes":
        return bytes.fromhex(text[1:])
    if kind == "float":
        return struct.unpack(">d", bytes.fromhex(text))[0]
    return text == "1" if kind == "bool" else int(text)


def one(function, fields, max_rows, values, state):
    """(line, state after it) of one input."""
    work = None if state is None else dict(state)
    try:
        made = function(*values) if state is None else function(*values, work)
        rows = []
        if isinstance(made, dict):
            rows.append(made)
        else:
            for row in made:
                if len(rows) == max_rows:
                    raise BadError(37)
                rows.append(dict(row))
        shown = "|".join([",".join([field_text(f, row.get(f[0])) for f in fields]) for row in rows])
        if work is not None:
            for value in work.values():
                if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
                    raise BadError(5)
            state = work
        return "0;" + shown, state
    except Exception as error:
        return str(code_of(error)) + ";", state


def by_element(function, name):
    """An element-wise function as one of records."""
    return lambda *values: {name: function(*values)}


def main():
    job = open("job.txt")  # noqa: SIM115 - to the end of the process
    count = 0
    while True:
        head = job.readline().split()
        if not head:
            break
        name, n, max_rows = head[0], int(head[1]), int(head[2])
        kinds = job.readline().split()
        fields = []
        for text in job.readline().split():
            f, kind, optional, most = text.split(":")
            fields.append((f, kind, optional == "1", int(most)))
        keys = []
        state = None
        for text in job.readline().split():
            key, kind, value = text.split(":")
            keys.append(key)
            state = state or {}
            state[key] = given(kind, value)
        module = __import__(name)
        for text in job.readline().split():
            key, kind, value = text.split(":")
            module.PARAMS[key] = given(kind, value)
        records = hasattr(module, "transform")
        function = module.transform if records else by_element(module.f, fields[0][0])
        for _ in range(n):
            texts = job.readline().split()
            values = [given(kinds[k], texts[k]) for k in range(len(kinds))]
            line, state = one(function, fields, max_rows, values, state)
            if state is not None:
                line += ";" + ",".join([state_text(state[key]) for key in keys])
            print(line)
            count += 1
            if count % 128 == 0:
                gc.collect()  # the search for free blocks gets slower with the size of the heap
        del sys.modules[name]


main()
