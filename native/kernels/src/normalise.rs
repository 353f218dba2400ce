//! One pass from stored bytes to L1: native values, validity, quality, reasons, statistics.
use crate::dispatch::{self, Job, Level};
use crate::element::{Element, BLOCK};
use crate::marks::{count, Marks};
use crate::rules::{reason, Rules, Spec};
use crate::stats::{Accumulate, Tally};
use crate::{with_element, KernelError};

/// `record.Quality`: fail.
pub const FAIL: u8 = 4;
/// `record.Quality`: missing.
pub const MISSING: u8 = 9;
/// Statistics are over values of at most this quality.
pub(crate) const WORST_IN_STATISTICS: u8 = 3;

/// The same for all values, or one each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PerValue<C> {
    /// All equal.
    Constant(C),
    /// Bytes, little-endian.
    Each(Vec<u8>),
}

/// A number that keeps integers exact.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum Extreme {
    Int(i128),
    Float(f64),
}

/// What a pass gives, besides the values.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Bitmap, None when all are there.
    pub validity: Option<Vec<u8>>,
    /// Quality of each value.
    pub quality: PerValue<u8>,
    /// Reasons of each value.
    pub reasons: PerValue<u16>,
    /// Values of quality 1-3.
    pub n_valid: u64,
    /// Over those, physical.
    pub minimum: Option<Extreme>,
    /// Over those, physical.
    pub maximum: Option<Extreme>,
    /// Over those, physical.
    pub mean: Option<f64>,
    /// (quality, number of values), rising, without zeros.
    pub counts: Vec<(u8, u64)>,
}

/// Normalises `stored` into `values` (same length [B]).
///
/// # Errors
/// `format.length`, `format.dtype`, `format.bad_scaling`.
pub fn normalise(
    spec: &Spec,
    stored: &[u8],
    values: &mut [u8],
    quality: u8,
    reasons: u16,
) -> Result<Facts, KernelError> {
    normalise_at(dispatch::best(), spec, stored, values, quality, reasons)
}

/// As [`normalise`], with the instructions of `level`.
///
/// # Errors
/// As [`normalise`].
pub fn normalise_at(
    level: Level,
    spec: &Spec,
    stored: &[u8],
    values: &mut [u8],
    quality: u8,
    reasons: u16,
) -> Result<Facts, KernelError> {
    spec.check()?;
    check_length(spec, stored, values.len() == stored.len())?;
    Ok(with_element!(spec.dtype()?, T => {
        let rules = Rules::<T>::compile(spec);
        dispatch::run_at(level, Pass { spec, rules: &rules, stored, values, quality, reasons })
    }))
}

/// Stored bytes to physical values (f4 or f8 as the rules say), NaN where there is none.
///
/// # Errors
/// As [`normalise`].
pub fn to_physical(spec: &Spec, stored: &[u8], out: &mut [u8]) -> Result<(), KernelError> {
    spec.check()?;
    let n = stored.len() / spec.stored.size();
    check_length(
        spec,
        stored,
        out.len() == n * if spec.out_f4 { 4 } else { 8 },
    )?;
    with_element!(spec.dtype()?, T => {
        let rules = Rules::<T>::compile(spec);
        dispatch::run(Physical { spec, rules: &rules, stored, out });
    });
    Ok(())
}

fn check_length(spec: &Spec, stored: &[u8], output_fits: bool) -> Result<(), KernelError> {
    if !stored.len().is_multiple_of(spec.stored.size()) || !output_fits {
        return Err(KernelError::new(
            "format.length",
            stored.len() as u64,
            "the data are no whole number of values",
        )
        .with("itemsize", spec.stored.size() as u64)
        .with("actual", stored.len() as u64));
    }
    Ok(())
}

struct Pass<'a, T> {
    spec: &'a Spec,
    rules: &'a Rules<T>,
    stored: &'a [u8],
    values: &'a mut [u8],
    quality: u8,
    reasons: u16,
}

impl<T: Accumulate> Job for Pass<'_, T> {
    type Out = Facts;

    #[inline(always)]
    fn run(self) -> Facts {
        let (spec, rules) = (self.spec, self.rules);
        let n = self.stored.len() / T::SIZE;
        let flip = spec.unsigned == crate::rules::Unsigned::Offset;
        let counted = self.quality <= WORST_IN_STATISTICS;
        let fail = self.quality.max(FAIL);
        let mut marks = Marks::new(n, self.quality, self.reasons);
        let mut tally = Tally::<T>::new();
        let mut block = [T::default(); BLOCK];
        let mut why = [0u8; BLOCK];
        let mut good = [0u8; BLOCK];
        let (mut missing, mut failed) = (0usize, 0usize);
        let step = BLOCK * T::SIZE;
        for (index, (stored, out)) in self
            .stored
            .chunks(step)
            .zip(self.values.chunks_mut(step))
            .enumerate()
        {
            let len = stored.len() / T::SIZE;
            T::load(stored, spec.big_endian, flip, &mut block);
            T::store(&block, out);
            if len < BLOCK {
                let first = block[0];
                block[len..].fill(first); // keeps what all values have in common
            }
            let (any, every) = if rules.is_empty() {
                (0, 0)
            } else {
                rules.classify(&block, &mut why)
            };
            if any == 0 {
                marks.every = 0;
                if counted && len == BLOCK {
                    tally.add(&block, None, len);
                } else if counted {
                    good.fill(0);
                    good[..len].fill(1);
                    tally.add(&block, Some(&good), len);
                }
                continue;
            }
            marks.any |= any;
            marks.every &= every;
            if len < BLOCK {
                why[len..].fill(reason::NAN);
            }
            let (sound, gone) = count(&why, len);
            for (g, r) in good.iter_mut().zip(&why) {
                *g = u8::from(*r == 0);
            }
            marks.write(index * BLOCK, &why, len, fail, gone > 0);
            missing = missing.wrapping_add(gone);
            failed = failed.wrapping_add(len.wrapping_sub(sound).wrapping_sub(gone));
            if counted && sound > 0 {
                tally.add(&block, Some(&good), sound);
            }
        }
        marks.finish(n, missing, failed, fail, spec, &tally, self.values)
    }
}

struct Physical<'a, T> {
    spec: &'a Spec,
    rules: &'a Rules<T>,
    stored: &'a [u8],
    out: &'a mut [u8],
}

impl<T: Element> Job for Physical<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let (spec, rules) = (self.spec, self.rules);
        let (scale, offset) = (spec.scale, spec.offset);
        let flip = spec.unsigned == crate::rules::Unsigned::Offset;
        let width = if spec.out_f4 { 4 } else { 8 };
        let mut block = [T::default(); BLOCK];
        let mut why = [0u8; BLOCK];
        let pairs = self
            .stored
            .chunks(BLOCK * T::SIZE)
            .zip(self.out.chunks_mut(BLOCK * width));
        for (stored, out) in pairs {
            T::load(stored, spec.big_endian, flip, &mut block);
            let any = if rules.is_empty() {
                0
            } else {
                rules.classify(&block, &mut why).0
            };
            if any & reason::MISSING == 0 {
                why.fill(0);
            }
            if spec.out_f4 {
                for ((o, v), r) in out.chunks_exact_mut(4).zip(&block).zip(&why) {
                    let p = (v.to_f64() * scale + offset) as f32;
                    let p = if *r & reason::MISSING != 0 {
                        f32::NAN
                    } else {
                        p
                    };
                    o.copy_from_slice(&p.to_bits().to_le_bytes());
                }
            } else {
                for ((o, v), r) in out.chunks_exact_mut(8).zip(&block).zip(&why) {
                    let p = v.to_f64() * scale + offset;
                    let p = if *r & reason::MISSING != 0 {
                        f64::NAN
                    } else {
                        p
                    };
                    o.copy_from_slice(&p.to_bits().to_le_bytes());
                }
            }
        }
    }
}
