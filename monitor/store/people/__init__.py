"""Who is told and who may ask: subscribers, what waits for them, and keys of the API; each change in force at once."""
