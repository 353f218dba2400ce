# attack: ask for a signal when the channel is ready
# expect: script.exception
# says: PermissionError
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.fcntl(3, 10, 9)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
