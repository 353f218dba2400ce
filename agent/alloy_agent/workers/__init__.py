"""Jailed worker processes as the core sees them."""
