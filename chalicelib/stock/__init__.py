"""The card pool: every code stands at a position, and a position is given once, for ever."""
