# attack: make classes without end
# expect: script.memory | script.wall | script.crash | script.recursion
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    kinds = [object]
    while True:
        kinds.append(type("K", (kinds[-1],), {}))
