//! L1 to L2: little-endian numbers to physical f4 or f8, NaN where there is no value.
use crate::bits;
use crate::dispatch::{self, Job};
use crate::element::{divide_exact, Dtype, Element, BLOCK};
use crate::{with_element, KernelError};

/// Largest decimal exponent: 10**18 is the last power whose product with 64 bits fits in 128.
pub const MAX_EXP10: i32 = 18;

/// How a stored number becomes a physical one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scaling {
    /// stored * scale + offset in f64.
    Linear {
        /// Factor.
        scale: f64,
        /// Summand.
        offset: f64,
    },
    /// stored / 10**-exp10 or stored * 10**exp10, correctly rounded.
    Decimal {
        /// From -18 to 18.
        exp10: i32,
    },
}

impl Scaling {
    /// The exponent is in its range, the factors are finite and the scale is not 0.
    ///
    /// # Errors
    /// `format.exp10`, `format.bad_scaling`.
    pub fn check(self) -> Result<(), KernelError> {
        match self {
            Self::Decimal { exp10 } if exp10.abs() > MAX_EXP10 => Err(KernelError::new(
                "format.exp10",
                0,
                format!("exponent {exp10} is not in -18 to 18"),
            )),
            Self::Linear { scale, offset }
                if !scale.is_finite() || !offset.is_finite() || scale == 0.0 =>
            {
                Err(KernelError::new(
                    "format.bad_scaling",
                    0,
                    "scale or offset gives no physical values",
                ))
            }
            _ => Ok(()),
        }
    }
}

/// One value to its physical number; exact decimal division for integers of any size.
#[inline(always)]
#[must_use]
pub fn decimal<T: Element>(value: T, exp10: i32) -> f64 {
    let power = 10u64.wrapping_pow(exp10.unsigned_abs());
    match value.to_int() {
        Some(i) if exp10 < 0 => divide_exact(i, power),
        Some(i) => i.wrapping_mul(i128::from(power)) as f64,
        None if exp10 < 0 => value.to_f64() / power as f64,
        None => value.to_f64() * power as f64,
    }
}

/// Physical values of `values` into `out` (n * 4 or n * 8 bytes).
///
/// # Errors
/// `format.length`, `format.exp10`, `format.bad_scaling`.
pub fn physical(
    values: &[u8],
    dtype: Dtype,
    scaling: Scaling,
    validity: Option<&[u8]>,
    out_f4: bool,
    out: &mut [u8],
) -> Result<(), KernelError> {
    scaling.check()?;
    let n = values.len() / dtype.size();
    let width = if out_f4 { 4 } else { 8 };
    if !values.len().is_multiple_of(dtype.size()) || out.len() != n * width {
        return Err(KernelError::new(
            "format.length",
            values.len() as u64,
            "the data are no whole number of values",
        ));
    }
    if let Some(map) = validity {
        bits::check(map, n)?;
    }
    with_element!(dtype, T => dispatch::run(Convert::<T> {
        values, scaling, validity, out_f4, out, element: std::marker::PhantomData,
    }));
    Ok(())
}

struct Convert<'a, T> {
    values: &'a [u8],
    scaling: Scaling,
    validity: Option<&'a [u8]>,
    out_f4: bool,
    out: &'a mut [u8],
    element: std::marker::PhantomData<T>,
}

impl<T: Element> Job for Convert<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let width = if self.out_f4 { 4 } else { 8 };
        let mut block = [T::default(); BLOCK];
        let mut result = [0f64; BLOCK];
        let mut there = [1u8; BLOCK];
        let pairs = self
            .values
            .chunks(BLOCK * T::SIZE)
            .zip(self.out.chunks_mut(BLOCK * width));
        for (index, (stored, out)) in pairs.enumerate() {
            let len = stored.len() / T::SIZE;
            let items = &mut block[..len];
            T::load(stored, false, false, items);
            scale_block(items, self.scaling, &mut result[..len]);
            if let Some(map) = self.validity {
                for (t, byte) in there.chunks_exact_mut(8).zip(&map[index * (BLOCK / 8)..]) {
                    for (i, flag) in t.iter_mut().enumerate() {
                        *flag = *byte >> i & 1;
                    }
                }
            }
            for (p, t) in result.iter_mut().zip(&there) {
                *p = if *t != 0 { *p } else { f64::NAN };
            }
            if self.out_f4 {
                for (o, p) in out.chunks_exact_mut(4).zip(&result) {
                    o.copy_from_slice(&(*p as f32).to_bits().to_le_bytes());
                }
            } else {
                for (o, p) in out.chunks_exact_mut(8).zip(&result) {
                    o.copy_from_slice(&p.to_bits().to_le_bytes());
                }
            }
        }
    }
}

#[inline(always)]
fn scale_block<T: Element>(items: &[T], scaling: Scaling, result: &mut [f64]) {
    match scaling {
        Scaling::Linear { scale, offset } => {
            for (p, v) in result.iter_mut().zip(items) {
                *p = v.to_f64() * scale + offset;
            }
        }
        // every value of up to 32 bits, and every float, is an f64 exactly: one operation rounds correctly
        Scaling::Decimal { exp10 } if T::FLOAT || T::SIZE <= 4 => {
            let power = 10f64.powi(exp10.abs());
            for (p, v) in result.iter_mut().zip(items) {
                *p = if exp10 < 0 {
                    v.to_f64() / power
                } else {
                    v.to_f64() * power
                };
            }
        }
        Scaling::Decimal { exp10 } => {
            for (p, v) in result.iter_mut().zip(items) {
                *p = decimal(*v, exp10);
            }
        }
    }
}
