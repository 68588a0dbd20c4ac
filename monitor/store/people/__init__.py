"""Subscribers and what they want: read by the cycle, changed by commands and the bot, in force at once."""
