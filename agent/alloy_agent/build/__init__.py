"""From a portable transform to a native module: `alloy-edge build`, on a build host; never part of the daemon.

`program` has the file checked in the jail and takes its intermediate representation; `crate` makes a Rust crate of
what the emitter writes, with a Python face (`face`); `toolchain` finds what compiles it; `wheel` runs that; `make`
puts them together; `cache` keeps what came out. The module is described in `docs/native-abi.md`, the way in
`docs/build.md`.
"""
