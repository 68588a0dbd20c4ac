"""Lists that are told as they change: worked out once for all who look, and only what differs is sent."""
