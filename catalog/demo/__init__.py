"""A small catalogue of an invented corner shop, with photos the project draws itself."""
