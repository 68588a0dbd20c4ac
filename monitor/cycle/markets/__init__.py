"""What is done for many markets of a deployment at once: listing them, reading them, searching for who is in them."""
