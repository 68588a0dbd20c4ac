"""The ways a message leaves the house, one file each."""
