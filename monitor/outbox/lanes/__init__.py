"""The ways out, one per channel: which message goes next, how soon, and what becomes of it."""
