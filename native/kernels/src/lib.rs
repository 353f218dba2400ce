//! Kernels without Python: plain functions on slices.
#![doc = "Each returns `Result<_, KernelError>` with a stable code and the index of the offending element."]
