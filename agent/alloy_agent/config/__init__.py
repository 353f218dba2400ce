"""Configuration: YAML in, one checked document out (in a process of its own)."""
