# attack: str.format_map with a mapping of its own walks to the arguments of the process
# expect: answer
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    class Map:
        def __getitem__(self, name):
            return print
    return {"v": "{x.__func__.__globals__[__builtins__][__import__].__self__}".format_map(Map()).encode()[:4096]}
