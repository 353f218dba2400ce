"""MQTT: a seam of about ten calls, two clients behind it, and the demo broker."""
