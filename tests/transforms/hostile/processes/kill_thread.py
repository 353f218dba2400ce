# attack: kill a thread by number
# expect: script.exception
# says: PermissionError
# arch: x86_64
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    victim = int(payload.split(b"\n")[6])
    result = libc.syscall(234, victim, victim, 9)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
