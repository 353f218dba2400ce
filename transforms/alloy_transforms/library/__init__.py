"""Shipped transforms, one file each."""
