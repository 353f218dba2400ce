//! Runtime choice of the instruction set: the only place of this crate with `unsafe`.
//!
//! A wheel is built for the oldest CPU of its architecture and would lose a factor of four; each [`Job`] is
//! therefore compiled once per level and the best one that this CPU has is called. On aarch64 NEON is part of
//! the baseline, so one copy is enough.
#![allow(unsafe_code)]

/// Work that is compiled once per instruction set; `run` must be `#[inline(always)]`.
pub trait Job {
    /// What it gives.
    type Out;
    /// Does the work.
    fn run(self) -> Self::Out;
}

/// Instruction sets, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every CPU of the architecture has.
    Baseline,
    /// x86-64-v3 without FMA (a fused result would differ in its last bit).
    Avx2,
    /// x86-64-v4.
    Avx512,
}

/// The best level of this CPU.
#[must_use]
pub fn best() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        let avx2 = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("popcnt");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        match (avx2, avx512) {
            (true, true) => return Level::Avx512,
            (true, false) => return Level::Avx2,
            _ => {}
        }
    }
    Level::Baseline
}

/// Runs a job with the best instructions there are.
pub fn run<J: Job>(job: J) -> J::Out {
    run_at(best(), job)
}

/// Runs a job at `level`, or at the best level there is where that is lower (for tests and benchmarks).
pub fn run_at<J: Job>(level: Level, job: J) -> J::Out {
    #[cfg(target_arch = "x86_64")]
    match level.min(best()) {
        // SAFETY: best() found every feature that the function is compiled with.
        Level::Avx512 => return unsafe { avx512(job) },
        // SAFETY: as above.
        Level::Avx2 => return unsafe { avx2(job) },
        Level::Baseline => {}
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = level;
    job.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,popcnt")]
fn avx512<J: Job>(job: J) -> J::Out {
    job.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn avx2<J: Job>(job: J) -> J::Out {
    job.run()
}
