"""What is told as it happens: the events of the store as server-sent events."""
