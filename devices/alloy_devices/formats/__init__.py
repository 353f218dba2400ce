"""File formats: describe and read in a jailed worker."""
