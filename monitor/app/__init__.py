"""The wiring: builds the parts from settings, starts and stops them."""
