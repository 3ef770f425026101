"""Goods of the main site and of sub-sites, and what each sub-site offers."""
