"""How addresses are written on chains that do not write them in hexadecimal."""
