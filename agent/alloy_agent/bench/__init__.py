"""The shipped workloads of `alloy-edge bench`."""
