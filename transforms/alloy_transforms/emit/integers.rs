//! Integers as Python has them: floor division, shifts by any count, 64 and 128 bits.
//!
//! Nothing here can panic: what the program should have excluded gives 0.

/// How an input ended: the wire code of an error, [`DECLINE`] or [`FUEL`].
pub type Code = u64;

pub const DIV: Code = 1;
pub const INDEX: Code = 2;
pub const VALUE: Code = 3;
pub const OVERFLOW: Code = 4;
pub const RANGE: Code = 5;
pub const LENGTH: Code = 7;
pub const OUTPUT: Code = 37;
pub const DECLINE: Code = 200;
pub const FUEL: Code = 201;

/// Division and remainder that round towards minus infinity, as `//` and `%` do.
pub trait Whole: Copy {
    fn floor_div(self, by: Self) -> Self;
    fn floor_mod(self, by: Self) -> Self;
    fn nonzero(self) -> Result<Self, Code>;
}

macro_rules! whole {
    ($t:ty) => {
        impl Whole for $t {
            #[inline(always)]
            fn floor_div(self, by: Self) -> Self {
                if by == 0 {
                    return 0;
                }
                let q = self.wrapping_div(by);
                if self.wrapping_rem(by) != 0 && (self ^ by) < 0 {
                    q.wrapping_sub(1)
                } else {
                    q
                }
            }

            #[inline(always)]
            fn floor_mod(self, by: Self) -> Self {
                if by == 0 {
                    return 0;
                }
                let r = self.wrapping_rem(by);
                if r != 0 && (r ^ by) < 0 {
                    r.wrapping_add(by)
                } else {
                    r
                }
            }

            #[inline(always)]
            fn nonzero(self) -> Result<Self, Code> {
                if self == 0 {
                    Err(DIV)
                } else {
                    Ok(self)
                }
            }
        }
    };
}

whole!(i64);
whole!(i128);

/// The value in 64 bits, or the input is declined.
#[inline(always)]
pub fn narrow(v: i128) -> Result<i64, Code> {
    i64::try_from(v).map_err(|_| DECLINE)
}

/// The nearest value of 64 bits; for bounds and counts, where beyond is as good as far away.
#[inline(always)]
pub fn near(v: i128) -> i64 {
    v.clamp(i64::MIN as i128, i64::MAX as i128) as i64
}

/// A shift count that is not negative.
#[inline(always)]
pub fn count(n: i64) -> Result<i64, Code> {
    if n < 0 {
        Err(VALUE)
    } else {
        Ok(n)
    }
}

/// `v << n` where it fits 128 bits.
#[inline(always)]
pub fn shl_exact(v: i128, n: i64) -> Result<i128, Code> {
    if v == 0 {
        return Ok(0);
    }
    if !(0..127).contains(&n) {
        return Err(DECLINE);
    }
    let out = v.wrapping_shl(n as u32);
    if out.wrapping_shr(n as u32) == v {
        Ok(out)
    } else {
        Err(DECLINE)
    }
}

/// `v << n`, known to fit; a count that is too long for any `v` but 0 gives 0.
#[inline(always)]
pub fn shl_known(v: i128, n: i64) -> i128 {
    if (0..128).contains(&n) {
        v.wrapping_shl(n as u32)
    } else {
        0
    }
}

/// `v >> n` of 64 bits for n >= 0.
#[inline(always)]
pub fn shr64(v: i64, n: i64) -> i64 {
    v.wrapping_shr(n.clamp(0, 63) as u32)
}

/// `v >> n` of 128 bits for n >= 0.
#[inline(always)]
pub fn shr128(v: i128, n: i64) -> i128 {
    v.wrapping_shr(n.clamp(0, 127) as u32)
}

/// Python's `min`: the first stays unless the second is smaller.
#[inline(always)]
pub fn least<T: PartialOrd>(a: T, b: T) -> T {
    if b < a {
        b
    } else {
        a
    }
}

/// Python's `max`: the first stays unless the second is greater.
#[inline(always)]
pub fn greatest<T: PartialOrd>(a: T, b: T) -> T {
    if b > a {
        b
    } else {
        a
    }
}

/// Takes `n` loop iterations, or 0 where `n` is negative, from what an input may use.
#[inline(always)]
pub fn burn(fuel: &mut i64, n: i64) -> Result<(), Code> {
    *fuel = fuel.saturating_sub(n.max(0));
    if *fuel < 0 {
        Err(FUEL)
    } else {
        Ok(())
    }
}

/// Iterations of `range(start, stop, step)`.
#[inline(always)]
pub fn trips(start: i64, stop: i64, step: i64) -> i64 {
    let (span, stride) = if step < 0 {
        (start.saturating_sub(stop), step.saturating_neg())
    } else {
        (stop.saturating_sub(start), step)
    };
    if span <= 0 || stride <= 0 {
        return 0;
    }
    span.wrapping_sub(1).floor_div(stride).wrapping_add(1)
}
