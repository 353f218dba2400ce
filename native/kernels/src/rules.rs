//! Which stored values mean "no value" or "outside the limits", compiled for one element type.
//!
//! Source: NetCDF User Guide, attribute conventions; CF 1.11 sections 2.5.1 and 8.1; FITS 4.0 section 4.4.2.5.
use crate::element::{Dtype, Element, Scalar, BLOCK};
use crate::KernelError;

/// `record.Reason` bits that a kernel sets.
pub mod reason {
    /// Equals a declared fill.
    pub const FILL: u8 = 1;
    /// Equals one of missing_value.
    pub const MISSING_VALUE: u8 = 1 << 1;
    /// Equals the default fill of its type.
    pub const DEFAULT_FILL: u8 = 1 << 2;
    /// Outside the declared limits.
    pub const OUT_OF_RANGE: u8 = 1 << 3;
    /// NaN or infinite.
    pub const NOT_FINITE: u8 = 1 << 4;
    /// Internal: NaN, so there is no value; never leaves the crate.
    pub const NAN: u8 = 1 << 5;
    /// Any of these: there is no value.
    pub const MISSING: u8 = FILL | MISSING_VALUE | DEFAULT_FILL | NAN;
}

/// How the stored bits mean an unsigned integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsigned {
    /// They do not.
    No,
    /// The same bits (`_Unsigned`).
    Reinterpret,
    /// Stored + 2**(n-1) (FITS).
    Offset,
}

/// The rules of one variable as the caller gives them.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Of the stored values.
    pub stored: Dtype,
    /// Byte order of the stored values.
    pub big_endian: bool,
    /// Signed bits, unsigned meaning.
    pub unsigned: Unsigned,
    /// Sentinels with their reason bit.
    pub sentinels: Vec<(Scalar, u8)>,
    /// Inclusive limits.
    pub low: Option<Scalar>,
    /// Inclusive limits.
    pub high: Option<Scalar>,
    /// The limits are in physical units.
    pub physical_limits: bool,
    /// physical = stored * scale + offset.
    pub scale: f64,
    /// physical = stored * scale + offset.
    pub offset: f64,
    /// Physical values are f4.
    pub out_f4: bool,
}

impl Spec {
    /// The element type of the values that come out.
    ///
    /// # Errors
    /// `format.dtype`, a float cannot be unsigned.
    pub fn dtype(&self) -> Result<Dtype, KernelError> {
        if self.unsigned == Unsigned::No {
            return Ok(self.stored);
        }
        self.stored.unsigned().ok_or_else(|| {
            KernelError::new("format.dtype", 0, "a float cannot be taken as unsigned")
        })
    }

    /// Scale and offset are usable.
    ///
    /// # Errors
    /// `format.bad_scaling`.
    pub fn check(&self) -> Result<(), KernelError> {
        self.dtype()?;
        if !self.scale.is_finite() || !self.offset.is_finite() || self.scale == 0.0 {
            return Err(KernelError::new(
                "format.bad_scaling",
                0,
                format!(
                    "scale {} and offset {} give no physical values",
                    self.scale, self.offset
                ),
            ));
        }
        Ok(())
    }

    fn is_signed(&self) -> bool {
        matches!(self.stored, Dtype::I1 | Dtype::I2 | Dtype::I4 | Dtype::I8)
    }

    /// A stored number as the number it means.
    fn meaning(&self, value: Scalar) -> Scalar {
        let whole = match value {
            Scalar::Int(i) => i,
            Scalar::Float(f) if f.fract() == 0.0 && f.abs() < 1e30 => f as i128,
            Scalar::Float(_) => return value,
        };
        let span = 1i128 << (8 * self.stored.size());
        match self.unsigned {
            Unsigned::No => value,
            Unsigned::Reinterpret if whole < 0 && whole >= -span / 2 => Scalar::Int(whole + span),
            Unsigned::Reinterpret => Scalar::Int(whole),
            Unsigned::Offset if self.is_signed() => Scalar::Int(whole + span / 2),
            Unsigned::Offset => Scalar::Int((whole + span / 2) % span),
        }
    }
}

/// Inclusive limits in the element type; `v < low || v > high` is outside. Never true for NaN.
#[derive(Debug, Clone, Copy)]
pub struct Limits<T> {
    /// Smallest value inside.
    pub low: T,
    /// Largest value inside.
    pub high: T,
}

impl<T: Element> Limits<T> {
    /// Everything is inside.
    pub const OPEN: Self = Self {
        low: T::LOWEST,
        high: T::HIGHEST,
    };
    const EMPTY: Self = Self {
        low: T::HIGHEST,
        high: T::LOWEST,
    };

    /// Limits on the number itself.
    fn direct(low: Option<Scalar>, high: Option<Scalar>) -> Self {
        let low = low.map_or(Some(T::LOWEST), |l| Self::at_least(l));
        let high = high.map_or(Some(T::HIGHEST), |h| Self::at_most(h));
        match (low, high) {
            (Some(low), Some(high)) => Self { low, high },
            _ => Self::EMPTY,
        }
    }

    fn at_least(limit: Scalar) -> Option<T> {
        if T::FLOAT {
            return T::from_scalar(limit);
        }
        let whole = match limit {
            Scalar::Int(i) => i,
            Scalar::Float(f) if f.is_nan() => return Some(T::LOWEST),
            Scalar::Float(f) => f.ceil() as i128, // saturates
        };
        if whole <= T::LOWEST.key() {
            Some(T::LOWEST)
        } else {
            T::from_scalar(Scalar::Int(whole))
        }
    }

    fn at_most(limit: Scalar) -> Option<T> {
        if T::FLOAT {
            return T::from_scalar(limit);
        }
        let whole = match limit {
            Scalar::Int(i) => i,
            Scalar::Float(f) if f.is_nan() => return Some(T::HIGHEST),
            Scalar::Float(f) => f.floor() as i128,
        };
        if whole >= T::HIGHEST.key() {
            Some(T::HIGHEST)
        } else {
            T::from_scalar(Scalar::Int(whole))
        }
    }

    /// Limits on `physical(v)`, which must not fall as v rises (`falling`: must not rise): found by bisection
    /// over all finite values, so that the loop over the data compares numbers of the element type only and
    /// still gives exactly what comparing physical values would.
    pub fn through(
        low: Option<f64>,
        high: Option<f64>,
        falling: bool,
        physical: impl Fn(T) -> f64,
    ) -> Self {
        let low = low.filter(|l| !l.is_nan());
        let high = high.filter(|h| !h.is_nan());
        let (first, last) = if T::FLOAT {
            (
                T::from_key(i128::MIN / 2).key(),
                T::from_key(i128::MAX / 2).key(),
            )
        } else {
            (T::LOWEST.key(), T::HIGHEST.key())
        };
        let at_low = |k: i128| low.is_none_or(|l| physical(T::from_key(k)) >= l);
        let at_high = |k: i128| high.is_none_or(|h| physical(T::from_key(k)) <= h);
        // the smallest number inside, and one more than the largest
        let (from, to, open_low, open_high) = if falling {
            let from = bisect(first, last + 1, at_high);
            (
                from,
                bisect(first, last + 1, |k| !at_low(k)),
                high.is_none(),
                low.is_none(),
            )
        } else {
            let from = bisect(first, last + 1, at_low);
            (
                from,
                bisect(first, last + 1, |k| !at_high(k)),
                low.is_none(),
                high.is_none(),
            )
        };
        if from >= to {
            return Self::EMPTY;
        }
        Self {
            low: if open_low {
                T::LOWEST
            } else {
                T::from_key(from)
            },
            high: if open_high {
                T::HIGHEST
            } else {
                T::from_key(to - 1)
            },
        }
    }
}

/// The first k in first..end with `holds(k)`, which must turn from false to true once; `end` if none.
fn bisect(first: i128, end: i128, holds: impl Fn(i128) -> bool) -> i128 {
    let (mut low, mut high) = (first, end);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// [`Spec`] for one element type.
#[derive(Debug, Clone)]
pub struct Rules<T> {
    /// Values that mean "none", with their reason.
    pub sentinels: Vec<(T, u8)>,
    /// Limits, None when everything is inside.
    pub limits: Option<Limits<T>>,
    /// Reason of a NaN.
    pub nan: u8,
}

impl<T: Element> Rules<T> {
    /// Compiles the rules.
    #[must_use]
    pub fn compile(spec: &Spec) -> Self {
        let mut sentinels: Vec<(T, u8)> = Vec::new();
        let mut nan = 0;
        for (value, bit) in &spec.sentinels {
            match T::from_scalar(spec.meaning(*value)) {
                Some(v) if v.is_nan() => nan |= *bit,
                Some(v) => match sentinels.iter_mut().find(|(known, _)| *known == v) {
                    Some((_, bits)) => *bits |= *bit,
                    None => sentinels.push((v, *bit)),
                },
                None => {}
            }
        }
        let limits = (spec.low.is_some() || spec.high.is_some()).then(|| {
            if spec.physical_limits {
                let number = |s: Scalar| match s {
                    Scalar::Int(i) => i as f64,
                    Scalar::Float(f) => f,
                };
                Limits::through(
                    spec.low.map(number),
                    spec.high.map(number),
                    spec.scale < 0.0,
                    |v: T| v.to_f64() * spec.scale + spec.offset,
                )
            } else {
                let meant = |s: Option<Scalar>| s.map(|v| spec.meaning(v));
                Limits::direct(meant(spec.low), meant(spec.high))
            }
        });
        Self {
            sentinels,
            limits,
            nan: reason::NAN | if nan == 0 { reason::NOT_FINITE } else { nan },
        }
    }

    /// True when no value can get a reason.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !T::FLOAT && self.sentinels.is_empty() && self.limits.is_none()
    }

    /// The reasons of each value of a block; returns all of them together and those that every value has.
    ///
    /// Whole blocks with fixed lengths and rules copied out of the way, so that every loop becomes vectors.
    #[inline(always)]
    pub fn classify(&self, values: &[T; BLOCK], reasons: &mut [u8; BLOCK]) -> (u8, u8) {
        *reasons = [0; BLOCK];
        for pair in &self.sentinels {
            let (sentinel, bit) = *pair;
            for (r, v) in reasons.iter_mut().zip(values) {
                *r |= mask(*v == sentinel) & bit;
            }
        }
        if T::FLOAT {
            let nan = self.nan;
            for (r, v) in reasons.iter_mut().zip(values) {
                *r |= mask(v.is_nan()) & nan;
                *r |= mask(v.is_infinite()) & reason::NOT_FINITE;
            }
        }
        if let Some(Limits { low, high }) = self.limits {
            for (r, v) in reasons.iter_mut().zip(values) {
                let outside = (*v < low) | (*v > high);
                *r |= mask(outside) & reason::OUT_OF_RANGE;
            }
        }
        let (any, every) = all_and_common(reasons);
        if any & reason::MISSING == 0 || any & !reason::MISSING == 0 {
            return (any, every);
        }
        // a missing value is not compared with limits, and a declared infinity is not "not finite"
        for r in reasons.iter_mut() {
            let keep = if *r & reason::NAN != 0 {
                !reason::OUT_OF_RANGE
            } else {
                reason::MISSING
            };
            *r &= if *r & reason::MISSING != 0 {
                keep
            } else {
                0xff
            };
        }
        all_and_common(reasons)
    }
}

/// All ones or all zeros: a select between constants could become a branch around the store, which is no vector.
#[inline(always)]
fn mask(condition: bool) -> u8 {
    u8::from(condition).wrapping_neg()
}

#[inline(always)]
fn all_and_common(reasons: &[u8; BLOCK]) -> (u8, u8) {
    let (mut any, mut every) = (0u8, 0xffu8);
    for r in reasons {
        any |= *r;
        every &= *r;
    }
    (any, every)
}
