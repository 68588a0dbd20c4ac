"""Every account of a market in float64 at once: an interval that contains its exact health, and who needs a look."""
