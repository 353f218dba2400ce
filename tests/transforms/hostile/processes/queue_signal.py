# attack: queue a signal
# expect: violation.syscall | script.exception
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    victim = int(payload.split(b"\n")[6])
    result = libc.sigqueue(victim, 9, None)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
