# attack: set the clock
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    result = libc.clock_settime(0, ctypes.create_string_buffer(16))
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
