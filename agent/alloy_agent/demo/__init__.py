"""What `alloy-edge demo` runs: configuration, samples, live table."""
