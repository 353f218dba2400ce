# attack: POSIX shared memory
# expect: script.exception
# says: PermissionError
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.shm_open(b'/alloy-hostile', 0o102, 0o600)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
