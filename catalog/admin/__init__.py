"""The catalogue in Django's admin: shops, products with their photos, API tokens."""

from catalog.admin import products, shops, tokens

__all__ = ["products", "shops", "tokens"]
