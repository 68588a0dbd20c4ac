"""What can be told to the bot: one file for each matter."""
