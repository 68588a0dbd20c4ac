"""Turn what one evaluation says, and what is remembered, into a level and the messages worth sending."""
