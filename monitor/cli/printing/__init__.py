"""How verbs print: tables of positions, and totals."""
