"""What keeps a store fit for use: who works on it, and copies of it."""
