"""Modules in the portable language, given to transforms as `kit` and `fmath`."""
