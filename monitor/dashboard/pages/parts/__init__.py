"""The parts of larger pages."""
