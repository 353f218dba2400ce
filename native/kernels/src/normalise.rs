//! One pass from stored bytes to L1: native values, validity, quality, reasons, statistics.
use crate::bits::{bytes_for, clear_tail, pack8};
use crate::dispatch::{self, Job, Level};
use crate::element::{Element, BLOCK};
use crate::rules::{reason, Rules, Spec};
use crate::stats::{Accumulate, Tally};
use crate::{with_element, KernelError};

/// `record.Quality`: fail.
pub const FAIL: u8 = 4;
/// `record.Quality`: missing.
pub const MISSING: u8 = 9;
/// Statistics are over values of at most this quality.
const WORST_IN_STATISTICS: u8 = 3;

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
            let items = &mut block[..len];
            T::load(stored, spec.big_endian, flip, items);
            T::store(items, out);
            let (any, every) = if rules.is_empty() {
                (0, 0)
            } else {
                rules.classify(items, &mut why[..len])
            };
            if any == 0 {
                marks.every = 0;
                if counted {
                    tally.add(items, None, len);
                }
                continue;
            }
            marks.any |= any;
            marks.every &= every;
            let (mut bad, mut gone) = (0usize, 0usize);
            for (g, r) in good[..len].iter_mut().zip(&why) {
                *g = u8::from(*r == 0);
            }
            for r in &why[..len] {
                bad = bad.wrapping_add(usize::from(*r != 0));
                gone = gone.wrapping_add(usize::from(*r & reason::MISSING != 0));
            }
            marks.write(index * BLOCK, &why[..len], fail, gone > 0);
            missing = missing.wrapping_add(gone);
            failed = failed.wrapping_add(bad.wrapping_sub(gone));
            if counted && bad < len {
                tally.add(items, Some(&good), len.wrapping_sub(bad));
            }
        }
        marks.finish(n, missing, failed, fail, spec, &tally, self.values)
    }
}

/// Validity, quality and reasons; each is allocated only when the first value needs it.
struct Marks {
    n: usize,
    base: u8,
    base_reasons: u16,
    any: u8,
    every: u8,
    validity: Option<Vec<u8>>,
    quality: Vec<u8>,
    reasons: Vec<u8>,
}

impl Marks {
    fn new(n: usize, base: u8, base_reasons: u16) -> Self {
        Self {
            n,
            base,
            base_reasons,
            any: 0,
            every: 0xff,
            validity: None,
            quality: Vec::new(),
            reasons: Vec::new(),
        }
    }

    #[inline(always)]
    fn write(&mut self, first: usize, why: &[u8], fail: u8, gone: bool) {
        if self.quality.is_empty() {
            self.allocate();
        }
        for (q, r) in self.quality[first..first + why.len()].iter_mut().zip(why) {
            let worse = if *r != 0 { fail } else { self.base };
            *q = if *r & reason::MISSING != 0 {
                MISSING
            } else {
                worse
            };
        }
        let base = self.base_reasons;
        for (o, r) in self.reasons[2 * first..2 * (first + why.len())]
            .chunks_exact_mut(2)
            .zip(why)
        {
            o.copy_from_slice(&(u16::from(*r & !reason::NAN) | base).to_le_bytes());
        }
        if !gone {
            return;
        }
        let bits = self
            .validity
            .get_or_insert_with(|| vec![0xff; bytes_for(self.n)]);
        for (o, eight) in bits[first / 8..].iter_mut().zip(why.chunks(8)) {
            let mut flags = [0u8; 8];
            for (f, r) in flags.iter_mut().zip(eight) {
                *f = u8::from(*r & reason::MISSING == 0);
            }
            *o = pack8(flags);
        }
    }

    #[inline(never)]
    fn allocate(&mut self) {
        self.quality = vec![self.base; self.n];
        self.reasons = self.base_reasons.to_le_bytes().repeat(self.n);
    }

    #[allow(clippy::too_many_arguments)]
    #[inline(never)]
    fn finish<T: Accumulate>(
        self,
        n: usize,
        missing: usize,
        failed: usize,
        fail: u8,
        spec: &Spec,
        tally: &Tally<T>,
        values: &[u8],
    ) -> Facts {
        let mut counts: Vec<(u8, u64)> = Vec::new();
        for (quality, count) in [
            (self.base, n - missing - failed),
            (fail, failed),
            (MISSING, missing),
        ] {
            match counts.iter_mut().find(|(q, _)| *q == quality) {
                _ if count == 0 => {}
                Some((_, known)) => *known += count as u64,
                None => counts.push((quality, count as u64)),
            }
        }
        let mean = (tally.n > 0).then(|| tally.mean()).map(|mean| {
            if mean.is_finite() {
                mean
            } else {
                careful_mean::<T>(values, &self.quality, tally.n)
            }
        });
        let (low, high) = extremes(spec, tally);
        let quality = match counts.as_slice() {
            [] => PerValue::Constant(self.base),
            [(only, _)] => PerValue::Constant(*only),
            _ => PerValue::Each(self.quality),
        };
        let reasons = if n == 0 || self.any == 0 {
            PerValue::Constant(self.base_reasons)
        } else if self.any == self.every || (self.any ^ self.every) == reason::NAN {
            PerValue::Constant(u16::from(self.any & !reason::NAN) | self.base_reasons)
        } else {
            PerValue::Each(self.reasons)
        };
        let mut validity = self.validity;
        if let Some(bits) = &mut validity {
            clear_tail(bits, n);
        }
        Facts {
            validity,
            quality,
            reasons,
            n_valid: tally.n,
            minimum: low,
            maximum: high,
            mean: mean.map(|m| m * spec.scale + spec.offset),
            counts,
        }
    }
}

/// The mean where the plain sum of floats overflowed: each value is divided first.
fn careful_mean<T: Element>(values: &[u8], quality: &[u8], n: u64) -> f64 {
    let mut sum = 0.0;
    let mut one = [T::default()];
    for (i, item) in values.chunks_exact(T::SIZE).enumerate() {
        if quality.get(i).is_none_or(|q| *q <= WORST_IN_STATISTICS) {
            T::load(item, false, false, &mut one);
            sum += one[0].to_f64() / n as f64;
        }
    }
    sum
}

fn extremes<T: Accumulate>(spec: &Spec, tally: &Tally<T>) -> (Option<Extreme>, Option<Extreme>) {
    if tally.n == 0 {
        return (None, None);
    }
    if spec.scale == 1.0 && spec.offset == 0.0 {
        if let (Some(low), Some(high)) = (tally.low.to_int(), tally.high.to_int()) {
            return (Some(Extreme::Int(low)), Some(Extreme::Int(high)));
        }
    }
    let physical = |v: T| {
        let p = v.to_f64() * spec.scale + spec.offset;
        Extreme::Float(if spec.out_f4 { f64::from(p as f32) } else { p })
    };
    // a monotone map: extremes of the stored numbers are extremes of the physical ones
    let (low, high) = if spec.scale < 0.0 {
        (tally.high, tally.low)
    } else {
        (tally.low, tally.high)
    };
    (Some(physical(low)), Some(physical(high)))
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
            let len = stored.len() / T::SIZE;
            let items = &mut block[..len];
            T::load(stored, spec.big_endian, flip, items);
            let any = if rules.is_empty() {
                0
            } else {
                rules.classify(items, &mut why[..len]).0
            };
            if any & reason::MISSING == 0 {
                why.fill(0);
            }
            if spec.out_f4 {
                for ((o, v), r) in out.chunks_exact_mut(4).zip(items.iter()).zip(&why) {
                    let p = (v.to_f64() * scale + offset) as f32;
                    let p = if *r & reason::MISSING != 0 {
                        f32::NAN
                    } else {
                        p
                    };
                    o.copy_from_slice(&p.to_bits().to_le_bytes());
                }
            } else {
                for ((o, v), r) in out.chunks_exact_mut(8).zip(items.iter()).zip(&why) {
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
