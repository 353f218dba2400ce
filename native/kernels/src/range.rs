//! Limits on the physical values of a column: the worse quality and one more reason where they are broken.
use crate::bits;
use crate::dispatch::{self, Job};
use crate::element::{Dtype, Element, BLOCK};
use crate::normalise::PerValue;
use crate::physical::{decimal, Scaling};
use crate::rules::Limits;
use crate::{with_element, KernelError};

/// A column of n little-endian mantissas with decimal exponent, and which of them are there.
#[derive(Debug, Clone, Copy)]
pub struct ColumnView<'a> {
    /// n values.
    pub values: &'a [u8],
    /// Their type.
    pub dtype: Dtype,
    /// Number of rows.
    pub n: usize,
    /// physical = value * 10**exp10.
    pub exp10: i32,
    /// Bitmap, None when all are there.
    pub validity: Option<&'a [u8]>,
}

/// Inclusive physical limits and what breaking them means.
#[derive(Debug, Clone, Copy)]
pub struct Verdict {
    /// None: open.
    pub low: Option<f64>,
    /// None: open.
    pub high: Option<f64>,
    /// Bit to add.
    pub reason: u16,
    /// Quality to fall to, unless it is worse already.
    pub quality: u8,
}

/// Marks the rows whose physical value lies outside; NaN is outside, a row without value is left alone.
///
/// # Errors
/// `format.length`, `format.exp10`.
pub fn range_quality(
    column: ColumnView<'_>,
    verdict: Verdict,
    quality: PerValue<u8>,
    reasons: PerValue<u16>,
) -> Result<(PerValue<u8>, PerValue<u16>), KernelError> {
    let ColumnView {
        values,
        dtype,
        n,
        exp10,
        validity,
    } = column;
    Scaling::Decimal { exp10 }.check()?;
    let long_enough = n
        .checked_mul(dtype.size())
        .is_some_and(|need| values.len() >= need)
        && matches!(&quality, PerValue::Constant(_))
            | matches!(&quality, PerValue::Each(q) if q.len() == n)
        && matches!(&reasons, PerValue::Constant(_))
            | matches!(&reasons, PerValue::Each(r) if r.len() == 2 * n);
    if !long_enough {
        return Err(KernelError::new(
            "format.length",
            n as u64,
            "a buffer does not hold n rows",
        ));
    }
    if let Some(map) = validity {
        bits::check(map, n)?;
    }
    let values = &values[..n * dtype.size()];
    let mut outside = vec![0u8; n];
    let any = with_element!(dtype, T => {
        let limits = Limits::<T>::through(verdict.low, verdict.high, false, |v| decimal(v, exp10));
        dispatch::run(Compare { values, limits, outside: &mut outside })
    });
    if let Some(map) = validity {
        for (i, flag) in outside.iter_mut().enumerate() {
            *flag &= map[i / 8] >> (i % 8) & 1;
        }
    }
    if !any || outside.iter().all(|flag| *flag == 0) {
        return Ok((collapse_quality(quality), collapse_reasons(reasons)));
    }
    let quality: Vec<u8> = match quality {
        PerValue::Constant(c) => outside
            .iter()
            .map(|f| if *f != 0 { c.max(verdict.quality) } else { c })
            .collect(),
        PerValue::Each(q) => q
            .iter()
            .zip(&outside)
            .map(|(c, f)| {
                if *f != 0 {
                    (*c).max(verdict.quality)
                } else {
                    *c
                }
            })
            .collect(),
    };
    let add = |c: u16, f: u8| (if f != 0 { c | verdict.reason } else { c }).to_le_bytes();
    let reasons: Vec<u8> = match reasons {
        PerValue::Constant(c) => outside.iter().flat_map(|f| add(c, *f)).collect(),
        PerValue::Each(r) => {
            let words = r.chunks_exact(2).map(|w| u16::from_le_bytes([w[0], w[1]]));
            words.zip(&outside).flat_map(|(c, f)| add(c, *f)).collect()
        }
    };
    Ok((
        collapse_quality(PerValue::Each(quality)),
        collapse_reasons(PerValue::Each(reasons)),
    ))
}

fn collapse_quality(quality: PerValue<u8>) -> PerValue<u8> {
    match quality {
        PerValue::Each(q) if !q.is_empty() && q.iter().all(|v| *v == q[0]) => {
            PerValue::Constant(q[0])
        }
        other => other,
    }
}

fn collapse_reasons(reasons: PerValue<u16>) -> PerValue<u16> {
    match reasons {
        PerValue::Each(r) if !r.is_empty() && r.chunks_exact(2).all(|w| w == &r[..2]) => {
            PerValue::Constant(u16::from_le_bytes([r[0], r[1]]))
        }
        other => other,
    }
}

struct Compare<'a, T> {
    values: &'a [u8],
    limits: Limits<T>,
    outside: &'a mut [u8],
}

impl<T: Element> Job for Compare<'_, T> {
    type Out = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let mut block = [T::default(); BLOCK];
        let mut any = 0u8;
        for (stored, flags) in self
            .values
            .chunks(BLOCK * T::SIZE)
            .zip(self.outside.chunks_mut(BLOCK))
        {
            let items = &mut block[..flags.len()];
            T::load(stored, false, false, items);
            for (flag, v) in flags.iter_mut().zip(items.iter()) {
                let bad = (*v < self.limits.low) | (*v > self.limits.high) | v.is_nan();
                *flag = u8::from(bad);
                any |= *flag;
            }
        }
        any != 0
    }
}
