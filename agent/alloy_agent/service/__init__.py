"""The systemd unit, shipped as package data; `docs/systemd.md` says how to install it."""
