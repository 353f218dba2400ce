//! Facts over the sound values: exact sums for integers, lane-wise f64 sums for floats.
use crate::element::{Element, BLOCK};

/// Independent partial results, so that the order of additions is fixed and the same on every CPU.
const LANES: usize = 16;

/// Running minimum, maximum, sum and count over stored numbers.
#[derive(Debug, Clone, Copy)]
pub struct Tally<T> {
    /// Values counted.
    pub n: u64,
    /// Smallest, when n > 0.
    pub low: T,
    /// Largest, when n > 0.
    pub high: T,
    exact: i128,
    sum: f64,
    rest: f64, // what was lost in `sum` (Neumaier)
}

impl<T: Accumulate> Tally<T> {
    /// Nothing counted.
    #[must_use]
    pub fn new() -> Self {
        Self {
            n: 0,
            low: T::HIGHEST,
            high: T::LOWEST,
            exact: 0,
            sum: 0.0,
            rest: 0.0,
        }
    }

    /// Adds the values of a block where `good` is 1; `n` of them are.
    #[inline(always)]
    pub fn add(&mut self, values: &[T; BLOCK], good: Option<&[u8; BLOCK]>, n: usize) {
        let part = match good {
            None => T::block(values, &[1; BLOCK]), // a constant: the selects fall away
            Some(good) => T::block(values, good),
        };
        self.n = self.n.wrapping_add(n as u64);
        self.low = if part.low < self.low {
            part.low
        } else {
            self.low
        };
        self.high = if part.high > self.high {
            part.high
        } else {
            self.high
        };
        self.exact = self.exact.wrapping_add(part.exact);
        let total = self.sum + part.sum;
        self.rest += if self.sum.abs() >= part.sum.abs() {
            (self.sum - total) + part.sum
        } else {
            (part.sum - total) + self.sum
        };
        self.sum = total;
    }

    /// Mean of the stored numbers; not finite when a sum of floats overflowed.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if T::FLOAT {
            (self.sum + self.rest) / self.n as f64
        } else {
            self.exact as f64 / self.n as f64
        }
    }
}

/// What one block adds.
#[derive(Debug, Clone, Copy)]
pub struct Part<T> {
    low: T,
    high: T,
    exact: i128,
    sum: f64,
}

/// Element types that can be tallied block by block.
pub trait Accumulate: Element {
    /// Facts over the values where `good` is 1.
    fn block(values: &[Self; BLOCK], good: &[u8; BLOCK]) -> Part<Self>;
}

macro_rules! small_integer {
    ($t:ty, $sum:ty) => {
        impl Accumulate for $t {
            #[inline(always)]
            fn block(values: &[Self; BLOCK], good: &[u8; BLOCK]) -> Part<Self> {
                let (mut low, mut high, mut sum) = (Self::HIGHEST, Self::LOWEST, 0 as $sum);
                for (v, g) in values.iter().zip(good) {
                    let ok = *g != 0;
                    low = low.min(if ok { *v } else { Self::HIGHEST });
                    high = high.max(if ok { *v } else { Self::LOWEST });
                    // 256 values of half the width cannot overflow
                    sum = sum.wrapping_add(<$sum>::from(if ok { *v } else { 0 }));
                }
                Part {
                    low,
                    high,
                    exact: i128::from(sum),
                    sum: 0.0,
                }
            }
        }
    };
}

small_integer!(i8, i32);
small_integer!(i16, i32);
small_integer!(i32, i64);
small_integer!(u8, u32);
small_integer!(u16, u32);
small_integer!(u32, u64);

macro_rules! wide_integer {
    ($t:ty) => {
        impl Accumulate for $t {
            #[inline(always)]
            fn block(values: &[Self; BLOCK], good: &[u8; BLOCK]) -> Part<Self> {
                let (mut low, mut high) = (Self::HIGHEST, Self::LOWEST);
                let (mut halves, mut tops) = (0u64, 0 as $t); // 32-bit halves summed apart stay exact
                for (v, g) in values.iter().zip(good) {
                    let ok = *g != 0;
                    low = low.min(if ok { *v } else { Self::HIGHEST });
                    high = high.max(if ok { *v } else { Self::LOWEST });
                    let v = if ok { *v } else { 0 };
                    halves = halves.wrapping_add((v as u64) & 0xffff_ffff);
                    tops = tops.wrapping_add(v >> 32);
                }
                Part {
                    low,
                    high,
                    exact: (i128::from(tops) << 32) + i128::from(halves),
                    sum: 0.0,
                }
            }
        }
    };
}

wide_integer!(i64);
wide_integer!(u64);

macro_rules! float {
    ($t:ty) => {
        impl Accumulate for $t {
            #[inline(always)]
            fn block(values: &[Self; BLOCK], good: &[u8; BLOCK]) -> Part<Self> {
                let mut low = [Self::HIGHEST; LANES];
                let mut high = [Self::LOWEST; LANES];
                let mut sum = [0f64; LANES];
                let groups = values.as_chunks::<LANES>().0.iter();
                for (vs, gs) in groups.zip(good.as_chunks::<LANES>().0) {
                    for i in 0..LANES {
                        let (v, ok) = (&vs[i], gs[i] != 0);
                        let (l, h) = if ok {
                            (*v, *v)
                        } else {
                            (Self::HIGHEST, Self::LOWEST)
                        };
                        low[i] = if l < low[i] { l } else { low[i] };
                        high[i] = if h > high[i] { h } else { high[i] };
                        sum[i] += if ok { f64::from(*v) } else { 0.0 };
                    }
                }
                let mut width = LANES / 2;
                while width > 0 {
                    for i in 0..width {
                        low[i] = if low[i + width] < low[i] {
                            low[i + width]
                        } else {
                            low[i]
                        };
                        high[i] = if high[i + width] > high[i] {
                            high[i + width]
                        } else {
                            high[i]
                        };
                        sum[i] += sum[i + width];
                    }
                    width /= 2;
                }
                Part {
                    low: low[0],
                    high: high[0],
                    exact: 0,
                    sum: sum[0],
                }
            }
        }
    };
}

float!(f32);
float!(f64);
