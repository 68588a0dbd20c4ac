"""Statistics over exact health: how near a line is when prices move as markets move. Floats live here."""
