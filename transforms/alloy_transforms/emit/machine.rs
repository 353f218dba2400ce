//! What only the machine gives: the square root, and what compiled code calls without being asked to, which are copies
//! and comparisons of memory and a name for the unwinder. Those are hidden: the file neither needs nor offers them.

use core::arch::global_asm;

/// The square root, correctly rounded; NaN below zero.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn root(x: f64) -> f64 {
    use core::arch::x86_64::{_mm_cvtsd_f64, _mm_set_sd, _mm_sqrt_sd};
    // SAFETY: SSE2 is part of x86_64.
    unsafe {
        let v = _mm_set_sd(x);
        _mm_cvtsd_f64(_mm_sqrt_sd(v, v))
    }
}

/// The square root, correctly rounded; NaN below zero.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
pub fn root(x: f64) -> f64 {
    use core::arch::aarch64::{vdup_n_f64, vget_lane_f64, vsqrt_f64};
    // SAFETY: NEON is part of aarch64 as Linux has it.
    unsafe { vget_lane_f64::<0>(vsqrt_f64(vdup_n_f64(x))) }
}

macro_rules! hidden {
    ($name:literal, $to:path) => {
        #[cfg(target_arch = "x86_64")]
        global_asm!(
            concat!(".pushsection .text.", $name, ",\"ax\",@progbits"),
            concat!(".hidden ", $name),
            concat!(".globl ", $name),
            concat!(".type ", $name, ",@function"),
            concat!($name, ":"),
            "jmp {to}",
            ".popsection",
            to = sym $to,
        );
        #[cfg(target_arch = "aarch64")]
        global_asm!(
            concat!(".pushsection .text.", $name, ",\"ax\",@progbits"),
            ".p2align 2",
            concat!(".hidden ", $name),
            concat!(".globl ", $name),
            concat!(".type ", $name, ",@function"),
            concat!($name, ":"),
            "b {to}",
            ".popsection",
            to = sym $to,
        );
    };
}

hidden!("memcpy", copy);
hidden!("memmove", shift);
hidden!("memset", fill);
hidden!("memcmp", compare);
hidden!("bcmp", compare);
hidden!("rust_eh_personality", nothing);

type Word = u64;
const WORD: usize = 8;

/// # Safety
/// As C's `memcpy`.
unsafe extern "C" fn copy(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    let mut i = 0;
    // SAFETY: both hold `n` bytes; a word is read and written only where it lies inside.
    unsafe {
        while n - i >= WORD {
            let word = from.add(i).cast::<Word>().read_unaligned();
            to.add(i).cast::<Word>().write_unaligned(word);
            i += WORD;
        }
        while i < n {
            *to.add(i) = *from.add(i);
            i += 1;
        }
    }
    to
}

/// # Safety
/// As C's `memmove`.
unsafe extern "C" fn shift(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    if (to as usize).wrapping_sub(from as usize) >= n {
        // SAFETY: the target does not begin inside the source: forwards, nothing is overwritten before it is read.
        return unsafe { copy(to, from, n) };
    }
    let mut i = n;
    // SAFETY: both hold `n` bytes; backwards for the same reason.
    unsafe {
        while i >= WORD {
            i -= WORD;
            let word = from.add(i).cast::<Word>().read_unaligned();
            to.add(i).cast::<Word>().write_unaligned(word);
        }
        while i > 0 {
            i -= 1;
            *to.add(i) = *from.add(i);
        }
    }
    to
}

/// # Safety
/// As C's `memset`.
unsafe extern "C" fn fill(to: *mut u8, with: i32, n: usize) -> *mut u8 {
    let word = Word::from(with as u8).wrapping_mul(Word::MAX / 255); // no array: filling one calls this function
    let mut i = 0;
    // SAFETY: `to` holds `n` bytes; a word is written only where it lies inside.
    unsafe {
        while n - i >= WORD {
            to.add(i).cast::<Word>().write_unaligned(word);
            i += WORD;
        }
        while i < n {
            *to.add(i) = with as u8;
            i += 1;
        }
    }
    to
}

/// # Safety
/// As C's `memcmp`.
unsafe extern "C" fn compare(a: *const u8, b: *const u8, n: usize) -> i32 {
    let mut i = 0;
    while i < n {
        // SAFETY: both hold `n` bytes.
        let (x, y) = unsafe { (*a.add(i), *b.add(i)) };
        if x != y {
            return i32::from(x) - i32::from(y);
        }
        i += 1;
    }
    0
}

extern "C" fn nothing() {}
