"""Pipelines: source, stages, quality, sinks."""
