# attack: a mapping that grows
# expect: answer | data.range
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
libc.mremap.restype = ctypes.c_void_p
libc.mremap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p)
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    page = libc.mmap(None, 1 << 40, 3, 0x122, -1, 0)
    return {"v": page if page and page < 2**63 else -1}
