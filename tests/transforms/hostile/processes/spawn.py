# attack: spawn a program
# expect: script.exception
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    victim = int(payload.split(b"\n")[6])
    result = -libc.posix_spawn(ctypes.create_string_buffer(4), b'/bin/true', None, None, (ctypes.c_char_p * 2)(b'true'), None)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
