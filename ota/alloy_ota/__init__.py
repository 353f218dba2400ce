"""Object store and durable state record of Alloy Edge; works when the rest is broken."""
