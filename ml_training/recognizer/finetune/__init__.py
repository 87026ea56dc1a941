"""Deep training: a packaged backbone's upper layers learn a shop's own products. No Django here."""
