# attack: bind the channel
# expect: violation.syscall
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    tcp, udp, unix, abstract = payload.split(b"\n")[2:6]
    result = libc.bind(3, b'\x02\0' + int(tcp).to_bytes(2, 'big') + bytes((127, 0, 0, 1)) + bytes(8), 16)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return {"v": result}
