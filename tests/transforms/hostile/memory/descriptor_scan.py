# attack: read every descriptor but the channel
# expect: answer
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
libc.mremap.restype = ctypes.c_void_p
libc.mremap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    found = [fd for fd in range(1024) if fd != 3 and libc.read(fd, None, 0) == 0]
    mine = [fd for fd in range(1024) if libc.write(fd, None, 0) == 0]
    if len({*found, *mine}) > 1:
        raise RuntimeError("more than the channel is open")
    return {"v": len(found)}
