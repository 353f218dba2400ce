"""Stand-ins for board modules."""
