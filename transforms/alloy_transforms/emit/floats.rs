//! Floats as CPython's: division, rounding and the exact functions of `math`, to the bit, without a C library.

use crate::integers::{Code, DECLINE, DIV, OVERFLOW, VALUE};
use crate::machine::root;

const SIGN: u64 = 1 << 63;
const FRACTION: u64 = (1 << 52) - 1;
const IMPLICIT: u64 = 1 << 52;
const WHOLE: f64 = 4503599627370496.0; // 2**52: from here on every float is an integer

/// The one NaN that leaves a transform.
pub const NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0000);

/// Every NaN as the one that leaves.
#[inline(always)]
pub fn canonical(x: f64) -> f64 {
    if x.is_nan() {
        NAN
    } else {
        x
    }
}

#[inline(always)]
pub fn magnitude(x: f64) -> f64 {
    f64::from_bits(x.to_bits() & !SIGN)
}

#[inline(always)]
pub fn with_sign(x: f64, sign: f64) -> f64 {
    f64::from_bits((x.to_bits() & !SIGN) | (sign.to_bits() & SIGN))
}

/// `math.copysign`; declined where the sign is that of a NaN, which depends on the machine.
#[inline(always)]
pub fn copysign(x: f64, sign: f64) -> Result<f64, Code> {
    if sign.is_nan() {
        Err(DECLINE)
    } else {
        Ok(with_sign(x, sign))
    }
}

#[inline(always)]
pub fn is_nan(x: f64) -> bool {
    x.is_nan()
}

#[inline(always)]
pub fn is_infinite(x: f64) -> bool {
    magnitude(x) == f64::INFINITY
}

#[inline(always)]
pub fn is_finite(x: f64) -> bool {
    magnitude(x) < f64::INFINITY
}

/// A divisor that is not zero.
#[inline(always)]
pub fn divisor(x: f64) -> Result<f64, Code> {
    if x == 0.0 {
        Err(DIV)
    } else {
        Ok(x)
    }
}

/// `math.sqrt`.
#[inline(always)]
pub fn sqrt(x: f64) -> Result<f64, Code> {
    if x < 0.0 {
        Err(VALUE)
    } else {
        Ok(root(x))
    }
}

/// The nearest integer, the even one of two: adding 2**52 rounds away what is below 1.
#[inline(always)]
pub fn nearest(x: f64) -> f64 {
    let a = magnitude(x);
    if a < WHOLE {
        with_sign((a + WHOLE) - WHOLE, x)
    } else {
        x
    }
}

#[inline(always)]
pub fn floor(x: f64) -> f64 {
    let t = nearest(x);
    if t > x {
        t - 1.0
    } else {
        t
    }
}

#[inline(always)]
pub fn ceil(x: f64) -> f64 {
    let t = nearest(x);
    if t < x {
        with_sign(t + 1.0, x)
    } else {
        t
    }
}

#[inline(always)]
pub fn truncate(x: f64) -> f64 {
    with_sign(floor(magnitude(x)), x)
}

/// An integral float as an integer: NaN and infinities are errors, beyond 64 bits is declined.
#[inline(always)]
pub fn integer(x: f64) -> Result<i64, Code> {
    if (-9223372036854775808.0..9223372036854775808.0).contains(&x) {
        Ok(x as i64)
    } else if x.is_nan() {
        Err(VALUE)
    } else if is_finite(x) {
        Err(DECLINE)
    } else {
        Err(OVERFLOW)
    }
}

/// Mantissa as an integer and the exponent field, where 0 counts as 1: x = m * 2**(e - 1075).
#[inline(always)]
fn parts(bits: u64) -> (u64, u64) {
    let e = (bits & !SIGN) >> 52;
    if e == 0 {
        (bits & FRACTION, 1)
    } else {
        ((bits & FRACTION) | IMPLICIT, e)
    }
}

/// C's `fmod`, exact: long division of the mantissas, eleven bits at a time.
pub fn remainder(x: f64, y: f64) -> f64 {
    if !is_finite(x) || is_nan(y) || y == 0.0 {
        return NAN;
    }
    if is_infinite(y) || magnitude(x) < magnitude(y) {
        return x;
    }
    let (mx, ex) = parts(x.to_bits());
    let (my, ey) = parts(y.to_bits());
    let mut m = mx.checked_rem(my).unwrap_or(0);
    let mut left = ex.saturating_sub(ey);
    while left > 0 && m > 0 {
        let step = left.min(11);
        m = m.wrapping_shl(step as u32).checked_rem(my).unwrap_or(0);
        left = left.wrapping_sub(step);
    }
    let sign = x.to_bits() & SIGN;
    if m == 0 {
        return f64::from_bits(sign);
    }
    let up = u64::from(m.leading_zeros())
        .saturating_sub(11)
        .min(ey.saturating_sub(1));
    m = m.wrapping_shl(up as u32);
    let exponent = if m < IMPLICIT { 0 } else { ey.wrapping_sub(up) };
    f64::from_bits(sign | exponent.wrapping_shl(52) | (m & FRACTION))
}

/// `math.fmod`.
#[inline(always)]
pub fn fmod(x: f64, y: f64) -> Result<f64, Code> {
    if is_nan(x) || is_nan(y) {
        return Ok(NAN);
    }
    if is_infinite(x) || y == 0.0 {
        return Err(VALUE);
    }
    Ok(remainder(x, y))
}

/// `x % y`, as `float_rem` of CPython.
#[inline(always)]
pub fn float_mod(x: f64, y: f64) -> f64 {
    let m = remainder(x, y);
    if m == 0.0 {
        with_sign(0.0, y)
    } else if (y < 0.0) != (m < 0.0) {
        m + y
    } else {
        m
    }
}

/// `x // y`, as `_float_div_mod` of CPython.
#[inline(always)]
pub fn float_floor_div(x: f64, y: f64) -> f64 {
    let m = remainder(x, y);
    let mut div = (x - m) / y;
    if m != 0.0 && (y < 0.0) != (m < 0.0) {
        div -= 1.0;
    }
    if div == 0.0 {
        return with_sign(0.0, x / y);
    }
    let low = floor(div);
    if div - low > 0.5 {
        low + 1.0
    } else {
        low
    }
}

/// 2**k for -1022 <= k <= 1023.
#[inline(always)]
fn power_of_two(k: i64) -> f64 {
    f64::from_bits((k.wrapping_add(1023) as u64).wrapping_shl(52))
}

/// C's `ldexp`: one rounding. Scaled in steps that are exact, or so small that only zero is left.
#[inline]
pub fn scaled(x: f64, k: i64) -> f64 {
    let mut y = x;
    let mut n = k.clamp(-4000, 4000);
    let mut step = 0;
    while n > 1023 && step < 2 {
        y *= power_of_two(1023);
        n = n.wrapping_sub(1023);
        step += 1;
    }
    while n < -1022 && step < 2 {
        y *= power_of_two(-969); // 53 bits are left, so that the last step alone rounds
        n = n.wrapping_add(969);
        step += 1;
    }
    y * power_of_two(n.clamp(-1022, 1023))
}

/// `math.ldexp`.
#[inline(always)]
pub fn ldexp(x: f64, k: i64) -> Result<f64, Code> {
    let y = scaled(x, k);
    if is_infinite(y) && is_finite(x) {
        Err(OVERFLOW)
    } else {
        Ok(y)
    }
}

/// `math.frexp`.
#[inline(always)]
pub fn frexp(x: f64) -> (f64, i64) {
    if x == 0.0 || !is_finite(x) {
        return (x, 0);
    }
    let tiny = magnitude(x) < f64::MIN_POSITIVE;
    let bits = if tiny { x * 18014398509481984.0 } else { x }.to_bits(); // 2**54
    let e = ((bits & !SIGN) >> 52) as i64;
    let half = f64::from_bits((bits & (SIGN | FRACTION)) | (1022 << 52));
    (half, e.wrapping_sub(if tiny { 1022 + 54 } else { 1022 }))
}

/// `math.modf`.
#[inline(always)]
pub fn modf(x: f64) -> (f64, f64) {
    if is_nan(x) {
        return (x, x);
    }
    if is_infinite(x) {
        return (with_sign(0.0, x), x);
    }
    let whole = truncate(x);
    (with_sign(x - whole, x), whole)
}
