# attack: values whose conversions run user code in the runner
# expect: answer | script.exception
OUTPUT = {"v": {"type": "i16"}}


def transform(payload):
    class Number(int):
        def __index__(self):
            raise SystemExit
        def __eq__(self, other):
            raise SystemExit
        __hash__ = int.__hash__
    return {"v": Number(3)}
