"""What follows from exact health: where the line is, how far, what a liquidator may take, what the owner can do."""
