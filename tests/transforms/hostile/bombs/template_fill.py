# attack: string.Template with a huge value
# expect: script.memory
import string
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": string.Template("$x" * 10_000).substitute(x="y" * 10**6).encode()}
