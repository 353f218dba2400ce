# attack: a POSIX queue
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.mq_open(b'/alloy', 0o102, 0o600, None)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
