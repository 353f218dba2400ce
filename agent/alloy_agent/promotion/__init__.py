"""From the sandbox to a native module and back: when, by which proof, and what is kept of it."""
