//! Element types: how a stored value becomes a number, and the exact conversions rules need.
use crate::KernelError;

/// Values handled at once; a block of the widest type is 2 KiB and stays in the first cache.
pub const BLOCK: usize = 256;

/// The element types of the record model that kernels work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Dtype {
    I1,
    I2,
    I4,
    I8,
    U1,
    U2,
    U4,
    U8,
    F4,
    F8,
}

impl Dtype {
    /// From its name in the record model.
    ///
    /// # Errors
    /// `format.dtype`.
    pub fn parse(name: &str) -> Result<Self, KernelError> {
        Ok(match name {
            "i1" => Self::I1,
            "i2" => Self::I2,
            "i4" => Self::I4,
            "i8" => Self::I8,
            "u1" | "bool" => Self::U1,
            "u2" => Self::U2,
            "u4" => Self::U4,
            "u8" => Self::U8,
            "f4" => Self::F4,
            "f8" => Self::F8,
            _ => {
                return Err(KernelError::new(
                    "format.dtype",
                    0,
                    format!("unknown element type `{name}`"),
                ))
            }
        })
    }

    /// Its name in the record model.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::I1 => "i1",
            Self::I2 => "i2",
            Self::I4 => "i4",
            Self::I8 => "i8",
            Self::U1 => "u1",
            Self::U2 => "u2",
            Self::U4 => "u4",
            Self::U8 => "u8",
            Self::F4 => "f4",
            Self::F8 => "f8",
        }
    }

    /// Bytes per element [B].
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::I1 | Self::U1 => 1,
            Self::I2 | Self::U2 => 2,
            Self::I4 | Self::U4 | Self::F4 => 4,
            Self::I8 | Self::U8 | Self::F8 => 8,
        }
    }

    /// The unsigned integer of the same width, or None for a float.
    #[must_use]
    pub const fn unsigned(self) -> Option<Self> {
        match self {
            Self::I1 | Self::U1 => Some(Self::U1),
            Self::I2 | Self::U2 => Some(Self::U2),
            Self::I4 | Self::U4 => Some(Self::U4),
            Self::I8 | Self::U8 => Some(Self::U8),
            Self::F4 | Self::F8 => None,
        }
    }
}

/// Calls generic code with the Rust type of a [`Dtype`].
#[macro_export]
macro_rules! with_element {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::element::Dtype::I1 => {
                type $T = i8;
                $body
            }
            $crate::element::Dtype::I2 => {
                type $T = i16;
                $body
            }
            $crate::element::Dtype::I4 => {
                type $T = i32;
                $body
            }
            $crate::element::Dtype::I8 => {
                type $T = i64;
                $body
            }
            $crate::element::Dtype::U1 => {
                type $T = u8;
                $body
            }
            $crate::element::Dtype::U2 => {
                type $T = u16;
                $body
            }
            $crate::element::Dtype::U4 => {
                type $T = u32;
                $body
            }
            $crate::element::Dtype::U8 => {
                type $T = u64;
                $body
            }
            $crate::element::Dtype::F4 => {
                type $T = f32;
                $body
            }
            $crate::element::Dtype::F8 => {
                type $T = f64;
                $body
            }
        }
    };
}

/// A number as a file or a caller gives it: exact integers stay exact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar {
    /// An integer.
    Int(i128),
    /// A float.
    Float(f64),
}

/// One of the ten element types.
pub trait Element: Copy + PartialOrd + Default + Send + Sync + 'static {
    /// Bytes [B].
    const SIZE: usize;
    /// f32 or f64.
    const FLOAT: bool;
    /// Smallest value (floats: -infinity).
    const LOWEST: Self;
    /// Largest value (floats: infinity).
    const HIGHEST: Self;
    /// Sum of up to [`BLOCK`] values: exact for integers.
    type Sum: Copy;

    /// Reads stored values; `flip` turns the top bit over (adds 2**(n-1) to an integer of n bits).
    fn load(stored: &[u8], big_endian: bool, flip: bool, out: &mut [Self]);
    /// Writes little-endian values.
    fn store(values: &[Self], out: &mut [u8]);
    /// The nearest f64.
    fn to_f64(self) -> f64;
    /// Exact integer, None for floats.
    fn to_int(self) -> Option<i128>;
    /// The same number in this type; floats round, integers must fit and be whole.
    fn from_scalar(value: Scalar) -> Option<Self>;
    /// Position in the order of all finite values.
    fn key(self) -> i128;
    /// Inverse of `key`.
    fn from_key(key: i128) -> Self;
    /// Infinite (floats only).
    fn is_infinite(self) -> bool;
    /// NaN (floats only).
    fn is_nan(self) -> bool;
}

macro_rules! integer {
    ($t:ty, $sum:ty, $bits:ty) => {
        impl Element for $t {
            const SIZE: usize = std::mem::size_of::<$t>();
            const FLOAT: bool = false;
            const LOWEST: Self = <$t>::MIN;
            const HIGHEST: Self = <$t>::MAX;
            type Sum = $sum;

            #[inline(always)]
            fn load(stored: &[u8], big_endian: bool, flip: bool, out: &mut [Self]) {
                let top: $bits = if flip { 1 << (<$bits>::BITS - 1) } else { 0 };
                let items = stored.chunks_exact(Self::SIZE);
                if big_endian {
                    for (o, b) in out.iter_mut().zip(items) {
                        let mut a = [0u8; std::mem::size_of::<$t>()];
                        a.copy_from_slice(b);
                        *o = (<$bits>::from_be_bytes(a) ^ top) as $t;
                    }
                } else {
                    for (o, b) in out.iter_mut().zip(items) {
                        let mut a = [0u8; std::mem::size_of::<$t>()];
                        a.copy_from_slice(b);
                        *o = (<$bits>::from_le_bytes(a) ^ top) as $t;
                    }
                }
            }
            #[inline(always)]
            fn store(values: &[Self], out: &mut [u8]) {
                for (o, v) in out.chunks_exact_mut(Self::SIZE).zip(values) {
                    o.copy_from_slice(&v.to_le_bytes());
                }
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn to_int(self) -> Option<i128> {
                Some(i128::from(self))
            }
            fn from_scalar(value: Scalar) -> Option<Self> {
                match value {
                    Scalar::Int(i) => Self::try_from(i).ok(),
                    // 2**100 bounds the cast; anything beyond does not fit in any case
                    Scalar::Float(f) if f.fract() == 0.0 && f.abs() < 1e30 => {
                        Self::try_from(f as i128).ok()
                    }
                    Scalar::Float(_) => None,
                }
            }
            fn key(self) -> i128 {
                i128::from(self)
            }
            fn from_key(key: i128) -> Self {
                key.clamp(i128::from(<$t>::MIN), i128::from(<$t>::MAX)) as $t
            }
            #[inline(always)]
            fn is_infinite(self) -> bool {
                false
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                false
            }
        }
    };
}

integer!(i8, i32, u8);
integer!(i16, i32, u16);
integer!(i32, i64, u32);
integer!(i64, i64, u64);
integer!(u8, i32, u8);
integer!(u16, i32, u16);
integer!(u32, i64, u32);
integer!(u64, i64, u64);

macro_rules! float {
    ($t:ty, $bits:ty) => {
        impl Element for $t {
            const SIZE: usize = std::mem::size_of::<$t>();
            const FLOAT: bool = true;
            const LOWEST: Self = <$t>::NEG_INFINITY;
            const HIGHEST: Self = <$t>::INFINITY;
            type Sum = f64;

            #[inline(always)]
            fn load(stored: &[u8], big_endian: bool, _flip: bool, out: &mut [Self]) {
                let items = stored.chunks_exact(Self::SIZE);
                if big_endian {
                    for (o, b) in out.iter_mut().zip(items) {
                        let mut a = [0u8; std::mem::size_of::<$t>()];
                        a.copy_from_slice(b);
                        *o = <$t>::from_bits(<$bits>::from_be_bytes(a));
                    }
                } else {
                    for (o, b) in out.iter_mut().zip(items) {
                        let mut a = [0u8; std::mem::size_of::<$t>()];
                        a.copy_from_slice(b);
                        *o = <$t>::from_bits(<$bits>::from_le_bytes(a));
                    }
                }
            }
            #[inline(always)]
            fn store(values: &[Self], out: &mut [u8]) {
                for (o, v) in out.chunks_exact_mut(Self::SIZE).zip(values) {
                    o.copy_from_slice(&v.to_bits().to_le_bytes());
                }
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn to_int(self) -> Option<i128> {
                None
            }
            fn from_scalar(value: Scalar) -> Option<Self> {
                Some(match value {
                    Scalar::Int(i) => i as $t,
                    Scalar::Float(f) => f as $t,
                })
            }
            fn key(self) -> i128 {
                // sign and magnitude -> a rising integer; -0 and 0 are both 0
                let bits = self.to_bits();
                let magnitude = i128::from(bits & (<$bits>::MAX >> 1));
                if bits >> (<$bits>::BITS - 1) == 1 {
                    -magnitude
                } else {
                    magnitude
                }
            }
            fn from_key(key: i128) -> Self {
                let top = i128::from(<$t>::MAX.to_bits());
                let magnitude = key.unsigned_abs().min(top.unsigned_abs()) as $bits;
                let value = <$t>::from_bits(magnitude);
                if key < 0 {
                    -value
                } else {
                    value
                }
            }
            #[inline(always)]
            fn is_infinite(self) -> bool {
                self.abs() == <$t>::INFINITY
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                self != self
            }
        }
    };
}

float!(f32, u32);
float!(f64, u64);

/// The nearest f64 of an exact integer divided or multiplied by a power of ten; ties to even.
///
/// `power` is 10**k with k <= 18. The f64 quotient is exact rounding only while the mantissa has at most 53
/// bits; above that the division is done in integers with a sticky bit.
#[must_use]
pub fn divide_exact(mantissa: i128, power: u64) -> f64 {
    let magnitude = mantissa.unsigned_abs();
    let value = if magnitude <= 1 << 53 {
        magnitude as f64 / power as f64
    } else {
        let shifted = magnitude << 64; // magnitude < 2**64, so this fits; the quotient has > 2**57
        let quotient = shifted / u128::from(power);
        let sticky = u128::from(!shifted.is_multiple_of(u128::from(power)));
        (quotient | sticky) as f64 * (-64f64).exp2()
    };
    if mantissa < 0 {
        -value
    } else {
        value
    }
}
