# attack: ask for the peer's address
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    tcp, udp, unix, abstract = payload.split(b"\n")[2:6]
    result = libc.getpeername(3, ctypes.create_string_buffer(128), ctypes.create_string_buffer(b'\x80\0\0\0'))
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
