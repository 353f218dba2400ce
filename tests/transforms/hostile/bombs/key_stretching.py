# attack: PBKDF2 with 1e9 rounds, in C, with the lock released
# expect: script.wall
import hashlib
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": hashlib.pbkdf2_hmac("sha256", b"x", b"y", 10**9)}
