"""The instruction lint: lengths against `objdump -d`, and what a module may not execute."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.fakes.c_modules import DOUBLE, module
from tests.fakes.elf import Elf

import alloy_native._native
from alloy_native.module import ModuleError, instructions, lint

LINES = {"quick": 20_000, "ci": 60_000, "soak": 10_000_000}[os.environ.get("ALLOY_SIZES", "quick")]

MANY_KINDS = """
    const int64_t *x = b->inputs[0].values;
    double *f = b->outputs[0].values;
    for (uint64_t i = b->first; i < b->n; i++) {
        int64_t v = x[i];
        double d = (double) v / 3.0, e;
        __asm__("sqrtsd %1, %0" : "=x"(e) : "x"(d < 0 ? -d : d));
        __int128 wide = (__int128) v * v >> 17;
        uint32_t low = (uint32_t) v;
        low = __builtin_bswap32(low) ^ (low << 7 | low >> 25);
        switch (v & 15) {
            case 0: e += 1; break; case 1: e *= 1.5; break; case 2: low ^= 0x12345678; break;
            case 3: e -= (float) low; break; case 4: wide += 1; break; case 5: low = __builtin_ctz(low | 1); break;
            case 6: e = (double) (int64_t) e; break; case 7: low /= 7; break;
        }
        f[b->rows++] = e + (double) (int64_t) wide + low + (uint8_t) v + (int16_t) low;
    }
    b->answered = b->n;
    return 0;
"""


def code_of(data: bytes) -> bytes:
    begin, size = Elf(data).text()
    return data[begin : begin + size]


def disassembled(data: bytes, folder: Path) -> list[int]:
    """Where instructions begin in the executable segment, as objdump says."""
    assert shutil.which("objdump") is not None, "binutils come with the C compiler"
    file = folder / "m.so"
    file.write_bytes(data)
    done = subprocess.run(
        ["objdump", "-d", "-w", "--no-show-raw-insn", str(file)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    elf = Elf(data)
    begin = next(elf.get(at + 16) for at in elf.headers(1) if elf.get(at + 4, "I") & 1)
    return [int(line, 16) - begin for line in re.findall(r"^ +([0-9a-f]+):\t", done.stdout, re.MULTILINE)]


@pytest.mark.parametrize("level", ["-O0", "-O1", "-O2", "-O3", "-Os"])
def test_boundaries_are_those_of_objdump_when_a_module_is_disassembled(level: str, tmp_path: Path) -> None:
    data = module(MANY_KINDS, flags=(level,))

    found = instructions(code_of(data), "x86_64")

    theirs = disassembled(data, tmp_path)
    assert [at for at in found if at in set(theirs)] == theirs  # between sections there is padding
    assert lint(data, "x86_64")["text_bytes"] > 200


def decoded(code: bytes) -> int:
    """Length of the one instruction; 0 where it is refused, -1 where more or less than one is found."""
    try:
        return len(code) if instructions(code, "x86_64") == [0] else -1
    except ModuleError as error:
        return -1 if "ends inside" in error.what else 0


@pytest.mark.slow
def test_lengths_are_those_of_objdump_when_compiled_rust_is_disassembled() -> None:
    """Each instruction alone: it is refused, or it is as long as objdump says."""
    file = alloy_native._native.__file__
    process = subprocess.Popen(["objdump", "-d", "-w", file], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    seen: set[bytes] = set()
    accepted = 0
    try:
        for line in process.stdout:
            match = re.match(r"^ +[0-9a-f]+:\t((?:[0-9a-f]{2} )+)", line)
            code = bytes.fromhex(match[1]) if match else b""
            if not code or code in seen or "(bad)" in line:
                continue
            seen.add(code)
            if len(seen) > LINES:
                break
            length = decoded(code)
            assert length in (0, len(code)), line
            accepted += length > 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert accepted > LINES // 4


REFUSED = {
    "syscall": "0f05", "sysenter": "0f34", "sysret": "0f07", "int 0x80": "cd80", "int1": "f1", "iret": "cf",
    "rex syscall": "480f05", "prefixed syscall": "660f05", "far call": "ff18", "far jump": "ff28", "far return": "cb",
    "in": "e4 60", "out": "ee", "hlt": "f4", "cli": "fa", "sti": "fb", "wrmsr": "0f30", "rdmsr": "0f32",
    "rdtsc": "0f31", "rdtscp": "0f01f9", "rdpmc": "0f33", "cpuid": "0fa2", "rdrand": "0fc7f0", "rdseed": "0fc7f8",
    "mov cr0": "0f22c0", "mov dr0": "0f23c0", "lgdt": "0f0110", "xgetbv": "0f01d0", "ldmxcsr": "0fae10",
    "wrfsbase": "f30faed0", "xrstor": "0fae28", "clflush": "0fae38", "fs": "648b00", "gs": "658b00",
    "std": "fd", "popf": "9d", "pushf": "9c", "sahf": "9e", "enter": "c8100000", "lock add": "f00100",
    "x87": "d9c0", "fldcw": "d928", "fwait": "9b", "mmx": "0f6fc0", "emms": "0f77", "vex": "c5f877",
    "vex3": "c4e17857c0", "evex": "62f17c4858c0", "xop": "8fe97801c0", "popcnt": "f30fb8c0",
    "lzcnt": "f30fbdc0", "ssse3": "660f3800c0",
    "sse4.1": "660f3a0bc000", "crc32": "f20f38f0c0", "rcpss": "f30f53c0", "rsqrtss": "f30f52c0", "haddpd": "660f7cc0",
    "prefetch": "0f1808", "movnti": "0fc300", "ud0": "0fffc0", "ud1": "0fb9c0", "push es": "06", "daa": "27",
    "call 16": "66e80000", "jcc 16": "660f840000", "rex before a prefix": "4866 90", "xlat": "d7", "loop": "e2fe",
    "jrcxz": "e3fe", "moffs": "a10000000000000000", "mov ss": "8ed0", "xbegin": "c7f800000000", "cmpxchg": "0fb100",
    "repeated mov": "f38b00", "twice repeated": "f3f3a4", "fifteen prefixes and more": "66" * 16 + "90",
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_code_is_refused_when_it_holds(name: str) -> None:
    with pytest.raises(ModuleError) as caught:
        instructions(b"\x90" + bytes.fromhex(REFUSED[name]) + b"\x90" * 16, "x86_64")

    assert caught.value.code == "load.elf"
    assert caught.value.context["index" if "index" in caught.value.context else "offset"] == 1


@pytest.mark.parametrize(
    ("code", "words"),
    [("0f05", "syscall"), ("cd80", "interrupt"), ("648b00", "segment"), ("c5f877", "baseline")],
)
def test_refusal_says_what_it_is_when_an_instruction_is_known_and_forbidden(code: str, words: str) -> None:
    with pytest.raises(ModuleError, match=words):
        instructions(bytes.fromhex(code), "x86_64")


def test_code_is_refused_when_it_is_cut_inside_an_instruction() -> None:
    whole = bytes.fromhex("48b8efcdab9078563412")  # movabs

    assert instructions(whole, "x86_64") == [0]
    for size in range(1, len(whole)):
        with pytest.raises(ModuleError, match="ends inside"):
            instructions(whole[:size], "x86_64")


def test_module_is_refused_when_a_branch_leads_into_an_instruction() -> None:
    """A system call inside an immediate is no instruction of the sweep; a plain jump to it is seen."""
    hidden = '__asm__ volatile ("mov $0x050f, %eax\\n jmp . - 4");'

    with pytest.raises(ModuleError, match="no instruction begins"):
        lint(module(hidden + DOUBLE), "x86_64")


WORDS = {
    "svc 0": (0xD4000001, "svc"), "svc 0xffff": (0xD41FFFE1, "svc"), "hvc 0": (0xD4000002, "hvc"),
    "smc 0": (0xD4000003, "hvc, smc"), "hlt": (0xD4400000, "exception"), "dcps1": (0xD4A00001, "exception"),
    "mrs tpidr_el0": (0xD53BD040, "system register"), "msr fpcr": (0xD51B4400, "system register"),
    "mrs cntvct_el0": (0xD53BE040, "system register"), "dc civac": (0xD50B7E20, "system register"),
    "isb": (0xD5033FDF, "system register"), "eret": (0xD69F03E0, "eret"), "drps": (0xD6BF03E0, "eret"),
    "sve": (0x04000000, "no known group"), "unallocated": (0x02000000, "no known"),
    "not udf": (0x00010000, "no known"),
}  # fmt: skip


@pytest.mark.parametrize("name", WORDS)
def test_code_of_aarch64_is_refused_when_it_holds(name: str) -> None:
    word, reason = WORDS[name]

    with pytest.raises(ModuleError, match=reason):
        instructions(bytes.fromhex("1f2003d5") + word.to_bytes(4, "little"), "aarch64")


def test_code_of_aarch64_is_accepted_when_it_computes() -> None:
    nop, bti, ret, brk, udf = 0xD503201F, 0xD503245F, 0xD65F03C0, 0xD4200020, 0x00000000
    add, load, fmul, branch, blr = 0x8B010000, 0xF9400000, 0x1E610800, 0x14000001, 0xD63F0000
    words = (nop, bti, ret, brk, udf, add, load, fmul, branch, blr)

    found = instructions(b"".join(word.to_bytes(4, "little") for word in words), "aarch64")

    assert found == list(range(0, 4 * len(words), 4))
    with pytest.raises(ModuleError, match="ends inside"):
        instructions(bytes(6), "aarch64")
