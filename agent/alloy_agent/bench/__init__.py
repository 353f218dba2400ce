"""The shipped workloads of `alloy-edge bench`: one module each with `run(quick) -> list[Figure]`."""

WORKLOADS = ("footprint", "check", "kernels", "sandbox", "tiers", "arrays", "jail", "mqtt", "pipeline")
"""Names in the order they run; the module is `alloy_agent.bench.<name>`."""
