"""Who did what: a row for every change that a person or a token makes, written with the change itself."""
