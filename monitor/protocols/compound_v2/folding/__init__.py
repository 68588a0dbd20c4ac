"""What the logs of a comptroller and its cTokens say: who is in it, what they have, and which terms changed."""
