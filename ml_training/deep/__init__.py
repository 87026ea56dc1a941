"""Deep training of a shop's backbone: when it pays, its runs, and what becomes of its result."""
