# attack: move the code of the C library elsewhere and write to it there
# expect: script.crash
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
libc.mremap.restype = ctypes.c_void_p
libc.mremap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    at = ctypes.cast(libc.getpid, ctypes.c_void_p).value & ~4095
    spot = libc.mmap(None, 8192, 3, 0x22, -1, 0)
    moved = libc.mremap(at, 4096, 4096, 3, spot)
    ctypes.memmove(moved, b"\xcc" * 16, 16)
    return {"v": libc.getpid()}
