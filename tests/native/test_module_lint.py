"""The lint of native modules: every rule of docs/native-abi.md broken once, in C or in the bytes of a sound module."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
from collections.abc import Callable

import pytest
from tests.fakes import c_modules
from tests.fakes.c_modules import DOUBLE, MAP, RUN, encoded, module, schema
from tests.fakes.elf import (
    ALIGN,
    DYNAMIC,
    FILESZ,
    FLAGS,
    FLAGS_1,
    GNU_HASH,
    HASH,
    JMPREL,
    LOAD,
    MEMSZ,
    NOTE,
    OFFSET,
    PFLAGS,
    PLTGOT,
    PLTREL,
    PLTRELSZ,
    RELA,
    RELACOUNT,
    RELAENT,
    RELASZ,
    RELRO,
    STACK,
    STRSZ,
    STRTAB,
    SYMENT,
    SYMTAB,
    TYPE,
    VADDR,
    Elf,
)  # fmt: skip

from alloy_native.module import FILE_BYTES_MAX, Module, ModuleError, lint

MAPPED = {"quick": 500, "ci": 2_000, "soak": 4_000}[os.environ.get("ALLOY_SIZES", "quick")]
MUTANTS = {"quick": 2_000, "ci": 20_000, "soak": 2_000_000}[os.environ.get("ALLOY_SIZES", "quick")]
TABLE = 'static const char *const volatile table[2] = {"one", "two"};\n'
READS = "b->state = (uint64_t *) table[b->n & 1];" + DOUBLE
"""An entry with a table of pointers, so that there are RELATIVE relocations."""


def sound() -> Elf:
    return Elf(module(READS, extra=TABLE, flags=("-Wl,--hash-style=both",)))


def refusal(data: bytes, machine: str = "x86_64") -> ModuleError:
    with pytest.raises(ModuleError) as caught:
        lint(data, machine)
    return caught.value


def test_facts_are_those_of_the_file_when_a_module_is_sound() -> None:
    facts = lint(module(DOUBLE), "x86_64")

    assert facts["kind"] == "record"
    assert facts["schema"] == encoded(schema()).encode()
    assert sorted(facts["exports"]) == ["ALLOY_SCHEMA", "PyInit_m", "alloy_run_v1"]
    assert facts["undefined"] == ["PyModuleDef_Init"]
    assert facts["text_bytes"] > 0


@pytest.mark.parametrize("style", ["gnu", "sysv", "both"])
def test_symbols_are_found_when_either_hash_table_is_there(style: str) -> None:
    assert lint(module(DOUBLE, flags=(f"-Wl,--hash-style={style}",)), "x86_64")["kind"] == "record"


def test_kind_is_map_when_the_entry_is_element_wise() -> None:
    assert lint(module("m->out[0] = 0; return 0;", entry=MAP), "x86_64")["kind"] == "map"


@pytest.mark.skipif(
    shutil.which("aarch64-linux-gnu-gcc") is None, reason="no compiler for aarch64 on this host"
)
def test_module_is_accepted_when_it_is_for_the_other_processor_and_that_was_asked() -> None:
    data = module(DOUBLE, machine="aarch64")

    assert lint(data, "aarch64")["kind"] == "record"
    assert refusal(data).code == "load.arch"


def test_module_is_refused_when_it_is_for_another_processor() -> None:
    assert refusal(module(DOUBLE), "aarch64").code == "load.arch"
    assert refusal(Elf(module(DOUBLE)).put(18, 3, "H").done()).code == "load.arch"  # EM_386
    assert refusal(Elf(module(DOUBLE)).put(4, 1, "B").done()).code == "load.arch"  # 32 bit
    assert refusal(Elf(module(DOUBLE)).put(5, 2, "B").done()).code == "load.arch"  # big-endian
    assert refusal(module(DOUBLE), "riscv64").code == "load.arch"


BOOT = "void boot(void) { definition.head[0] = 1; }"
KEEP = "void *volatile kept = (void *) {}; void *use(void) {{ return kept; }}"
IN_C: dict[str, tuple[str, tuple[str, ...]]] = {
    "a constructor": (f"__attribute__((constructor)) static {BOOT}", ()),
    "a destructor": (f"__attribute__((destructor)) static {BOOT}", ()),
    "DT_INIT": (BOOT, ("-Wl,-init,boot",)),
    "another library": ("", ("-Wl,--no-as-needed", "-lm")),
    "an executable stack": ("", ("-Wl,-z,execstack",)),
    "a segment both writable and executable": ("", ("-Wl,-N",)),
    "code among data": ("", ("-Wl,-z,noseparate-code",)),
    "IFUNC": (
        "static int one(void) { return 1; }\n"
        "static void *choose(void) { return (void *) one; }\n"
        "static int chosen(void) __attribute__((ifunc(\"choose\")));\n"
        "PUBLIC int exported(void) { return chosen(); }",
        (),
    ),
    "thread-local storage": (
        "static __thread volatile int here; PUBLIC int exported(void) { return here; }",
        ("-ftls-model=initial-exec",),
    ),
    "one more export": ("PUBLIC int exported(void) { return 1; }", ()),
    "two entries": (f"{MAP} {{ return 0; }}", ()),
    "an import that is not Python's": (f"extern int system(const char *); {KEEP.format('system')}", ()),
    "an import that only looks like Python's": (
        f"extern int PyRun_SimpleStringFlags(const char *, void *); {KEEP.format('PyRun_SimpleStringFlags')}",
        (),
    ),
    "a weak import": (
        f"extern int PyErr_Occurred(void) __attribute__((weak)); {KEEP.format('PyErr_Occurred')}",
        (),
    ),
    "symbol versions": ("", ("-Wl,--default-symver",)),
    "a run path": ("", ("-Wl,-rpath,/tmp",)),
}  # fmt: skip


@pytest.mark.parametrize("what", IN_C)
def test_module_is_refused_when_it_has(what: str) -> None:
    extra, flags = IN_C[what]

    assert refusal(module(DOUBLE, extra=extra, flags=flags)).code == "load.elf"


def test_module_is_refused_when_its_code_would_have_to_be_relocated() -> None:
    absolute = 'void *reach(void) { void *p; __asm__("movabs $definition, %0" : "=r"(p)); return p; }'

    assert refusal(module(DOUBLE, extra=absolute, flags=("-Wl,-z,notext",))).code == "load.elf"


@pytest.mark.parametrize("name", ["ALLOY_SCHEMA", "alloy_run_v1", "PyInit_m"])
def test_module_is_refused_when_a_symbol_of_the_interface_is_missing(name: str) -> None:
    pieces = {
        "ALLOY_SCHEMA": 'PUBLIC extern const char ALLOY_SCHEMA[]; const char ALLOY_SCHEMA[] = "{}";\n',
        "alloy_run_v1": f"{RUN} {{ return b->n; }}\n",
        "PyInit_m": "PUBLIC void *PyInit_m(void) { return PyModuleDef_Init(&definition); }\n",
    }
    head = c_modules.HEAD.replace(pieces["PyInit_m"], "")

    error = refusal(c_modules.compiled(head + "".join(text for key, text in pieces.items() if key != name)))

    assert error.code == "load.abi"


def moved_to_data(elf: Elf, tag: int) -> Elf:
    """A table of the loader, moved to where relocations may write."""
    return elf.dynamic(tag, elf.field(LOAD, VADDR, 3) + 8)


PATCHED: dict[str, Callable[[Elf], Elf]] = {
    "magic": lambda e: e.put(0, 0x7E, "B"),
    "version": lambda e: e.put(6, 2, "B"),
    "GNU's ABI": lambda e: e.put(7, 3, "B"),
    "an executable": lambda e: e.put(16, 2, "H"),
    "flags of the header": lambda e: e.put(48, 1, "I"),
    "size of the header": lambda e: e.put(52, 65, "H"),
    "size of program headers": lambda e: e.put(54, 64, "H"),
    "no program headers": lambda e: e.put(56, 0, "H"),
    "very many program headers": lambda e: e.put(56, 0xFFFF, "H"),
    "program headers past the file": lambda e: e.put(32, 1 << 40),
    "program headers askew": lambda e: e.put(32, 65),
    "an interpreter": lambda e: e.header(NOTE, TYPE, 3),
    "thread-local storage": lambda e: e.header(NOTE, TYPE, 7),
    "an unknown program header": lambda e: e.header(NOTE, TYPE, 0x6FFFFFFF),
    "no word of the stack": lambda e: e.header(STACK, TYPE, NOTE),
    "two words of the stack": lambda e: e.header(RELRO, TYPE, STACK),
    "an executable stack": lambda e: e.header(STACK, PFLAGS, 7),
    "no dynamic section": lambda e: e.header(DYNAMIC, TYPE, NOTE),
    "an empty dynamic section": lambda e: e.header(DYNAMIC, MEMSZ, 0).header(DYNAMIC, FILESZ, 0),
    "a dynamic section elsewhere": lambda e: e.header(DYNAMIC, VADDR, 1 << 30),
    "a dynamic section with another offset": lambda e: e.header(DYNAMIC, OFFSET, 0x40),
    "a segment past the file": lambda e: e.header(LOAD, FILESZ, 1 << 30, 3).header(LOAD, MEMSZ, 1 << 30, 3),
    "a segment that wraps": lambda e: e.header(LOAD, OFFSET, (1 << 64) - 0x1000, 3),
    "an address that wraps": lambda e: e.header(LOAD, VADDR, (1 << 64) - 0x130, 3),
    "gigabytes of memory": lambda e: e.header(LOAD, MEMSZ, 1 << 33, 3),
    "less memory than file": lambda e: e.header(LOAD, MEMSZ, 1, 3),
    "a read-only segment with zeros": lambda e: e.header(LOAD, MEMSZ, 0x900, 2),
    "overlapping segments": lambda e: e.header(LOAD, VADDR, 0, 1),
    "segments that descend": lambda e: e.header(LOAD, VADDR, 0x8000, 1),
    "an alignment of 3": lambda e: e.header(LOAD, ALIGN, 3),
    "an alignment of a gigabyte": lambda e: e.header(LOAD, ALIGN, 1 << 30),
    "an address that does not fit its offset": lambda e: e.header(LOAD, OFFSET, 0x1008, 1),
    "a segment nobody may read": lambda e: e.header(LOAD, PFLAGS, 1, 1),
    "a writable, executable segment": lambda e: e.header(LOAD, PFLAGS, 7, 1),
    "two executable segments": lambda e: e.header(LOAD, PFLAGS, 5, 2),
    "no executable segment": lambda e: e.header(LOAD, PFLAGS, 4, 1),
    "an unknown permission": lambda e: e.header(LOAD, PFLAGS, 0x15, 1),
    "RELRO over code": lambda e: e.header(RELRO, VADDR, e.field(LOAD, VADDR, 1)),
    "RELRO over the host": lambda e: e.header(RELRO, MEMSZ, 1 << 40),
    "a note past the file": lambda e: e.header(NOTE, MEMSZ, 1 << 20).header(NOTE, FILESZ, 1 << 20),
    "a note that does not end": lambda e: e.put(e.field(NOTE, OFFSET) + 4, 0xFFFFFFF0, "I"),
    "DT_NEEDED": lambda e: e.retag(FLAGS_1, 1),
    "DT_INIT": lambda e: e.retag(FLAGS_1, 12),
    "DT_FINI": lambda e: e.retag(FLAGS_1, 13),
    "DT_INIT_ARRAY": lambda e: e.retag(FLAGS_1, 25),
    "DT_FINI_ARRAY": lambda e: e.retag(FLAGS_1, 26),
    "DT_PREINIT_ARRAY": lambda e: e.retag(FLAGS_1, 32),
    "DT_TEXTREL": lambda e: e.retag(FLAGS_1, 22),
    "DT_AUDIT": lambda e: e.retag(FLAGS_1, 0x6FFFFEFC),
    "DT_RELR": lambda e: e.retag(FLAGS_1, 36),
    "a tag twice": lambda e: e.retag(FLAGS_1, FLAGS),
    "DF_TEXTREL": lambda e: e.dynamic(FLAGS, 4),
    "DF_STATIC_TLS": lambda e: e.dynamic(FLAGS, 16),
    "DF_1_INTERPOSE": lambda e: e.dynamic(FLAGS_1, 0x400),
    "no end of the dynamic section": lambda e: e.header(DYNAMIC, MEMSZ, 64).header(DYNAMIC, FILESZ, 64),
    "no symbols": lambda e: e.retag(SYMTAB, 24),
    "no strings": lambda e: e.retag(STRTAB, 14),
    "strings past the file": lambda e: e.dynamic(STRSZ, 1 << 40),
    "strings without an end": lambda e: e.dynamic(STRSZ, e.value(STRSZ) - 1),
    "symbols of another size": lambda e: e.dynamic(SYMENT, 23),
    "relocations of another size": lambda e: e.dynamic(RELAENT, 16),
    "relocations without their size": lambda e: e.retag(RELAENT, 24),
    "PLT relocations without their kind": lambda e: e.retag(PLTREL, 24),
    "half a relocation": lambda e: e.dynamic(RELASZ, 25),
    "very many relocations": lambda e: e.dynamic(RELASZ, 24 << 40),
    "relocations elsewhere": lambda e: e.dynamic(RELA, 1 << 50),
    "more RELATIVE than there are": lambda e: e.dynamic(RELACOUNT, 3),
    "RELATIVE that are none": lambda e: e.put(e.table(RELA) + 8, 1, "I"),
    "PLT relocations elsewhere": lambda e: e.dynamic(JMPREL, e.field(LOAD, VADDR, 1) - 8),
    "very many PLT relocations": lambda e: e.dynamic(PLTRELSZ, 1 << 40),
    "DT_PLTGOT over code": lambda e: e.dynamic(PLTGOT, e.field(LOAD, VADDR, 1)),
    "symbols in writable memory": lambda e: moved_to_data(e, SYMTAB),
    "strings in writable memory": lambda e: moved_to_data(e, STRTAB),
    "relocations in writable memory": lambda e: moved_to_data(e, RELA),
    "a hash table in writable memory": lambda e: moved_to_data(e, GNU_HASH),
    "IRELATIVE": lambda e: e.put(e.table(RELA) + 8, 37, "I"),
    "COPY": lambda e: e.put(e.table(JMPREL) + 8, 5, "I"),
    "TPOFF64": lambda e: e.put(e.table(JMPREL) + 8, 18, "I"),
    "a relocation of code": lambda e: e.put(e.table(RELA), e.field(LOAD, VADDR, 1)),
    "a relocation of the host": lambda e: e.put(e.table(RELA), 1 << 46),
    "a relocation of the dynamic section": lambda e: e.put(e.table(RELA), e.field(DYNAMIC, VADDR) + 8),
    "a relocation at the end of the dynamic section": lambda e: e.put(
        e.table(RELA), e.field(DYNAMIC, VADDR) + e.field(DYNAMIC, MEMSZ) - 1
    ),
    "a RELATIVE out of the module": lambda e: e.put(e.table(RELA) + 16, 1 << 40),
    "a RELATIVE with a symbol": lambda e: e.put(e.table(RELA) + 12, 1, "I"),
    "a relocation without a symbol": lambda e: e.put(e.table(JMPREL) + 12, 0, "I"),
    "a relocation with symbol 1,000,000": lambda e: e.put(e.table(JMPREL) + 12, 1_000_000, "I"),
    "an offset into the interpreter": lambda e: e.put(e.table(JMPREL) + 16, 8),
    "no buckets": lambda e: e.put(e.table(GNU_HASH), 0, "I"),
    "very many buckets": lambda e: e.put(e.table(GNU_HASH), 1 << 31, "I"),
    "no filter": lambda e: e.put(e.table(GNU_HASH) + 8, 0, "I"),
    "a filter of three words": lambda e: e.put(e.table(GNU_HASH) + 8, 3, "I"),
    "a filter shifted by 77": lambda e: e.put(e.table(GNU_HASH) + 12, 77, "I"),
    "an empty filter": lambda e: e.put(e.table(GNU_HASH) + 16, 0),
    "a bucket before the first symbol": lambda e: e.put(e.table(GNU_HASH) + 24, 1 << 32 | 1),
    "a bucket far away": lambda e: e.put(e.table(GNU_HASH) + 24, 0x7FFFFFFF, "I"),
    "a first symbol far away": lambda e: e.put(e.table(GNU_HASH) + 4, 0x7FFFFFFF, "I"),
    "more symbols in the other hash table": lambda e: e.put(e.table(HASH) + 4, 6, "I"),
    "no buckets in the other": lambda e: e.put(e.table(HASH), 0, "I"),
    "a chain that does not end": lambda e: ring(e),
    "a chain out of the table": lambda e: e.put(e.table(HASH) + 8, 99, "I"),
    "a name past the strings": lambda e: e.put(e.symbol("PyInit_m"), 1 << 20, "I"),
    "a name that is another's": lambda e: e.put(e.symbol("PyInit_m"), e.get(e.symbol("alloy_run_v1"), "I"), "I"),
    "an IFUNC": lambda e: e.put(e.symbol("alloy_run_v1") + 4, 0x1A, "B"),
    "a symbol of a thread": lambda e: e.put(e.symbol("ALLOY_SCHEMA") + 4, 0x16, "B"),
    "a unique symbol": lambda e: e.put(e.symbol("ALLOY_SCHEMA") + 4, 0xA1, "B"),
    "a weak symbol": lambda e: e.put(e.symbol("alloy_run_v1") + 4, 0x22, "B"),
    "a hidden symbol": lambda e: e.put(e.symbol("alloy_run_v1") + 5, 2, "B"),
    "an absolute symbol": lambda e: e.put(e.symbol("alloy_run_v1") + 6, 0xFFF1, "H"),
    "an undefined symbol with an address": lambda e: e.put(e.symbol("PyModuleDef_Init") + 8, 64),
    "a first symbol that is none": lambda e: e.put(e.table(SYMTAB) + 8, 1),
    "an entry that is data": lambda e: e.put(e.symbol("alloy_run_v1") + 4, 0x11, "B"),
    "an entry in data": lambda e: e.put(e.symbol("alloy_run_v1") + 8, e.field(LOAD, VADDR, 2)),
    "an entry outside": lambda e: e.put(e.symbol("alloy_run_v1") + 8, 1 << 40),
    "an entry inside an instruction": lambda e: e.put(e.symbol("PyInit_m") + 8, e.get(e.symbol("PyInit_m") + 8) + 1),
    "a schema that is code": lambda e: e.put(e.symbol("ALLOY_SCHEMA") + 8, e.field(LOAD, VADDR, 1)).put(
        e.symbol("ALLOY_SCHEMA") + 16, 8
    ),
    "a schema in writable memory": lambda e: e.put(e.symbol("ALLOY_SCHEMA") + 8, e.field(LOAD, VADDR, 3)).put(
        e.symbol("ALLOY_SCHEMA") + 16, 8
    ),
    "an empty schema": lambda e: e.put(e.symbol("ALLOY_SCHEMA") + 16, 0),
    "a schema past its segment": lambda e: e.put(e.symbol("ALLOY_SCHEMA") + 16, 60_000),
    "a schema of a gigabyte": lambda e: e.put(e.symbol("ALLOY_SCHEMA") + 16, 1 << 30),
    "a system call": lambda e: e.put(e.place(e.get(e.symbol("alloy_run_v1") + 8)), 0x050F, "H"),
}  # fmt: skip


def ring(elf: Elf) -> Elf:
    at = elf.table(HASH)
    buckets, count = elf.get(at, "I"), elf.get(at + 4, "I")
    first = next(k for k in (elf.get(at + 8 + 4 * b, "I") for b in range(buckets)) if k)
    assert first < count
    return elf.put(at + 8 + 4 * buckets + 4 * first, first, "I")


def test_module_to_be_patched_is_accepted_as_it_is() -> None:
    assert lint(sound().done(), "x86_64")["kind"] == "record"


@pytest.mark.parametrize("what", PATCHED)
def test_file_is_refused_when_it_has(what: str) -> None:
    assert refusal(PATCHED[what](sound()).done()).code == "load.elf"


def test_file_is_refused_when_it_is_longer_than_a_module_may_be() -> None:
    data = sound().done()

    assert refusal(data + bytes(FILE_BYTES_MAX)).code == "load.elf"
    assert (
        lint(data + bytes(FILE_BYTES_MAX - len(data)), "x86_64")["kind"] == "record"
    )  # what follows is not mapped


def test_file_is_refused_when_it_is_cut_anywhere() -> None:
    elf = sound()
    data = elf.done()

    for size in range(elf.mapped()):
        assert refusal(data[:size]).code in ("load.elf", "load.arch", "load.abi"), size


def mutant(data: bytes, rng: random.Random) -> bytes:
    """The file with some bits or fields changed, most where its tables are."""
    elf = Elf(data)
    areas = ((0, 0x240), (0, 0x500), (0, elf.mapped()), (elf.field(DYNAMIC, OFFSET), 0x180))
    for _ in range(rng.randint(1, 4)):
        begin, size = rng.choice(areas)
        at = begin + rng.randrange(size)
        if rng.random() < 0.6:
            elf.data[at] ^= 1 << rng.randrange(8)
        else:
            at &= ~7
            value = rng.choice(
                (0, 1, 8, 0x1000, 0xFFFFFFFF, (1 << 63), (1 << 64) - 1, rng.randrange(1 << 16))
            )
            elf.put(at, value)
    return elf.done()


@pytest.mark.slow
def test_lint_ends_with_an_answer_when_bits_are_flipped() -> None:
    rng = random.Random(12)
    data = sound().done()
    accepted = 0
    codes = set()

    for _ in range(MUTANTS):
        try:
            facts = lint(mutant(data, rng), "x86_64")
        except ModuleError as error:
            codes.add(error.code)
        else:
            accepted += 1
            assert set(facts["undefined"]) <= {"PyModuleDef_Init"}

    assert codes <= {"load.elf", "load.arch", "load.abi"}

    print(f"{accepted} of {MUTANTS} mutants are modules, too")


@pytest.mark.slow
def test_nothing_crashes_when_what_the_lint_accepts_is_mapped() -> None:
    """The C library follows tables without looking; the lint has looked. It runs nothing either way."""
    rng = random.Random(13)
    data = sound().done()
    files = []
    while len(files) < MAPPED:
        changed = mutant(data, rng)
        with contextlib.suppress(ModuleError):
            lint(changed, "x86_64")
            files.append(changed)

    child = os.fork()
    if child == 0:
        for changed in files:
            fd = os.memfd_create("mutant")
            os.write(fd, changed)
            with contextlib.suppress(ModuleError):  # the C library may still be stricter
                Module(fd)
            os.close(fd)
        os._exit(0)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
