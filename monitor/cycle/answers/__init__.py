"""What is answered of a book beyond its list: the market itself, and what-ifs."""
