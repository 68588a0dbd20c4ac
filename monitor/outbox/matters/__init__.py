"""What a message says of each matter: a position, an event, a cause, a chain, a day."""
