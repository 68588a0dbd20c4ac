"""Logs of one chain: ranges as wide as each endpoint bears, and no answer believed that another source contradicts."""
