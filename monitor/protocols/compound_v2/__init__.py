"""Compound v2 and what was made of it: Moonwell, Benqi, Venus core and Venus isolated pools."""
