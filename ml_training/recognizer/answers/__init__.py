"""How far an answer can be trusted, and from which score on a name is given without asking."""
