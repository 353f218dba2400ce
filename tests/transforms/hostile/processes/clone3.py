# attack: clone3 by number
# expect: script.exception
# says: Function not implemented|refused
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    victim = int(payload.split(b"\n")[6])
    result = libc.syscall(435, ctypes.create_string_buffer(88), 88)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
