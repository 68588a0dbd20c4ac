"""One HTTP exchange with a stranger, its caps and its budget, and the client for venues that answer in JSON."""
