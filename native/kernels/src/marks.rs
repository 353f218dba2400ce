//! Validity, quality and reasons of a pass while it runs, and the facts at its end.
use crate::bits::{bytes_for, clear_tail, pack8};
use crate::element::{Element, BLOCK};
use crate::normalise::{Extreme, Facts, PerValue, MISSING, WORST_IN_STATISTICS};
use crate::rules::{reason, Spec};
use crate::stats::{Accumulate, Tally};

/// How many of the first `len` values have no reason, and how many are missing.
#[inline(always)]
pub(crate) fn count(why: &[u8; BLOCK], len: usize) -> (usize, usize) {
    let (mut sound, mut gone) = (0u16, 0u16);
    for r in why {
        sound = sound.wrapping_add(u16::from(*r == 0));
        gone = gone.wrapping_add(u16::from(*r & reason::MISSING != 0));
    }
    // the unused end of a last block counts as missing
    (
        usize::from(sound),
        usize::from(gone).wrapping_sub(BLOCK.wrapping_sub(len)),
    )
}

/// Validity, quality and reasons; each is allocated only when the first value needs it.
pub(crate) struct Marks {
    n: usize,
    base: u8,
    base_reasons: u16,
    pub(crate) any: u8,
    pub(crate) every: u8,
    validity: Option<Vec<u8>>,
    quality: Vec<u8>,
    reasons: Vec<u8>,
}

impl Marks {
    pub(crate) fn new(n: usize, base: u8, base_reasons: u16) -> Self {
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
    pub(crate) fn write(
        &mut self,
        first: usize,
        why: &[u8; BLOCK],
        len: usize,
        fail: u8,
        gone: bool,
    ) {
        if self.quality.is_empty() {
            self.allocate();
        }
        let (base, base_reasons) = (self.base, self.base_reasons);
        let mut quality = [0u8; BLOCK];
        let mut words = [0u8; 2 * BLOCK];
        let mut there = [0u8; BLOCK];
        for ((q, t), r) in quality.iter_mut().zip(&mut there).zip(why) {
            let worse = if *r != 0 { fail } else { base };
            let missing = *r & reason::MISSING != 0;
            *q = if missing { MISSING } else { worse };
            *t = u8::from(!missing);
        }
        for (o, r) in words.chunks_exact_mut(2).zip(why) {
            o.copy_from_slice(&(u16::from(*r & !reason::NAN) | base_reasons).to_le_bytes());
        }
        self.quality[first..first + len].copy_from_slice(&quality[..len]);
        self.reasons[2 * first..2 * (first + len)].copy_from_slice(&words[..2 * len]);
        if !gone {
            return;
        }
        let bits = self
            .validity
            .get_or_insert_with(|| vec![0xff; bytes_for(self.n)]);
        let mut map = [0u8; BLOCK / 8];
        for (o, eight) in map.iter_mut().zip(there.chunks_exact(8)) {
            let mut flags = [0u8; 8];
            flags.copy_from_slice(eight);
            *o = pack8(flags);
        }
        let used = bytes_for(len);
        bits[first / 8..first / 8 + used].copy_from_slice(&map[..used]);
    }

    #[inline(never)]
    fn allocate(&mut self) {
        self.quality = vec![self.base; self.n];
        self.reasons = self.base_reasons.to_le_bytes().repeat(self.n);
    }

    #[allow(clippy::too_many_arguments)]
    #[inline(never)]
    pub(crate) fn finish<T: Accumulate>(
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
