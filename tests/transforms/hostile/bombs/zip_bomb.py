# attack: a kilobyte that decompresses to a gigabyte
# expect: script.memory | script.wall
import zlib
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    block = zlib.compress(bytes(1 << 20))
    d = zlib.decompressobj()
    return {"v": zlib.decompress(zlib.compress(bytes(20 << 20)), bufsize=1 << 30)}
