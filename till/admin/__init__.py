"""Tills in the admin: the devices, what they sent back, and what a shop chooses for them."""

from till.admin import corrections, shops, tills

__all__ = ["corrections", "shops", "tills"]
shops.connect()
