# attack: set an alarm
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    victim = int(payload.split(b"\n")[6])
    result = libc.alarm(1)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
