//! The system calls of the sandbox.
