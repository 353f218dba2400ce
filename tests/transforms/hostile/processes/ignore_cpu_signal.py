# attack: ignore the signal of the CPU limit
# expect: script.exception
# says: PermissionError
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    victim = int(payload.split(b"\n")[6])
    result = -1 if libc.signal(24, 1) == -1 else 0
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
