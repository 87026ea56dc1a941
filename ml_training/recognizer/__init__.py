"""The recogniser: photo in, product out. Pure computation: no Django, no database, no queue."""
