"""The parts of a position's page."""
