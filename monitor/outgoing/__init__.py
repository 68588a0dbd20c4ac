"""What every HTTP request to a stranger obeys, whoever makes it: where it may lead, and how long it has to wait."""
