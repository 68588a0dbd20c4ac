"""The nouns: plain values that every other room speaks in."""
