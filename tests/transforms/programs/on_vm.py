"""Runs in the MicroPython VM: every input of every program of `jobs.json`; one line of JSON an input.

Values cross as text with their type in front: integers in decimal, floats as their 8 bytes, bytes as hexadecimal.
"""

import binascii
import io
import json
import struct
import sys

LOADS = {
    "i": int,
    "t": lambda text: text == "1",
    "b": binascii.unhexlify,
    "f": lambda text: struct.unpack(">d", binascii.unhexlify(text))[0],
}


def load(text):
    return LOADS[text[0]](text[1:])


def dump(v):
    if isinstance(v, bool):
        return "t1" if v else "t0"
    if isinstance(v, int):
        return "i" + str(v)
    if isinstance(v, float):
        return "f" + binascii.hexlify(struct.pack(">d", v)).decode()
    return "b" + binascii.hexlify(v).decode() if isinstance(v, bytes) else "s" + v


def dumped(row):
    return {k: dump(row[k]) for k in row}


def answer(function, given, state, most):
    args = [load(v) for v in given]
    kept = {k: load(state[k]) for k in state}
    if kept:
        args.append(kept)
    rows = []
    try:
        made = function(*args)
        if isinstance(made, dict):
            rows.append(dumped(made))
        elif isinstance(made, float):
            rows.append({"": dump(made)})
        else:
            for row in made:
                rows.append(dumped(row))
                if len(rows) > most:
                    break
    except Exception as error:
        text = io.StringIO()
        sys.print_exception(error, text)
        return [type(error).__name__, text.getvalue(), {}]
    return ["", rows, dumped(kept)]


with open("jobs.json") as file:
    for line in file:
        job = json.loads(line)
        names = {}
        exec(job["source"], names)
        for given, state in job["inputs"]:
            print(json.dumps(answer(names[job["entry"]], given, state, job["most"])))
