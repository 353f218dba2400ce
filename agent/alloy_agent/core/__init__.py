"""The daemon itself: supervisor, status, control, service manager. One trio loop, no parsing."""
