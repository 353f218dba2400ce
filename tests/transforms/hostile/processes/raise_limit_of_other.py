# attack: change the limits of another process
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    victim = int(payload.split(b"\n")[6])
    result = libc.prlimit(victim, 7, None, ctypes.create_string_buffer(16))
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
