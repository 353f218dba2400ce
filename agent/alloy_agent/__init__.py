"""Alloy Edge: the daemon, its pipelines and its command line."""

__version__ = "0.1.0"
