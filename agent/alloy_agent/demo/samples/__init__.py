"""Sample files of the demo; README.md names the origin and licence of each."""
