# attack: grow an executable mapping so that it covers new memory
# expect: answer | script.crash
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
libc.mremap.restype = ctypes.c_void_p
libc.mremap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    at = ctypes.cast(libc.getpid, ctypes.c_void_p).value & ~4095
    moved = libc.mremap(at, 4096, 1 << 30, 1, None)
    return {"v": 0 if moved in (None, 2**64 - 1) else 1}
