//! Every instruction set gives the same bits.
use alloy_kernels::dispatch::{best, Level};
use alloy_kernels::element::{Dtype, Scalar};
use alloy_kernels::normalise::{normalise_at, Facts};
use alloy_kernels::rules::{reason, Spec, Unsigned};

fn spec(stored: Dtype, scale: f64) -> Spec {
    Spec {
        stored,
        big_endian: true,
        unsigned: Unsigned::No,
        sentinels: vec![
            (Scalar::Int(7), reason::FILL),
            (Scalar::Float(-1.0), reason::MISSING_VALUE),
        ],
        low: Some(Scalar::Int(-90)),
        high: Some(Scalar::Float(1e6)),
        physical_limits: false,
        scale,
        offset: 0.25,
        out_f4: false,
    }
}

fn pass(level: Level, stored: Dtype, scale: f64, bytes: &[u8]) -> (Vec<u8>, Facts) {
    let mut values = vec![0; bytes.len()];
    let facts = normalise_at(level, &spec(stored, scale), bytes, &mut values, 1, 0)
        .expect("the rules are sound");
    (values, facts)
}

#[test]
fn all_levels_agree_to_the_bit() {
    // a linear congruential generator: every byte value, the same in every run
    let mut state = 1u32;
    let bytes: Vec<u8> = (0..8 * 1_003)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let types = [
        Dtype::I1,
        Dtype::I2,
        Dtype::I4,
        Dtype::I8,
        Dtype::U1,
        Dtype::U2,
        Dtype::U4,
        Dtype::U8,
    ];
    for dtype in types.into_iter().chain([Dtype::F4, Dtype::F8]) {
        for scale in [1.0, -0.1] {
            let (values, facts) = pass(Level::Baseline, dtype, scale, &bytes);
            for level in [Level::Avx2, Level::Avx512, best()] {
                let (other_values, other) = pass(level, dtype, scale, &bytes);
                assert_eq!(values, other_values, "{dtype:?} {level:?}");
                assert_eq!(facts, other, "{dtype:?} {level:?}");
            }
        }
    }
}
