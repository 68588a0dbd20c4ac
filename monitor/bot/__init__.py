"""What people tell the service over Telegram: commands, and the buttons under its messages."""
