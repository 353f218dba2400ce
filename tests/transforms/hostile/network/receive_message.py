# attack: receive descriptors
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    tcp, udp, unix, abstract = payload.split(b"\n")[2:6]
    result = libc.recvmsg(3, ctypes.create_string_buffer(56), 0)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
