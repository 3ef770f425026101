"""The price engine's verbs for other domains."""

from .rules import Line, Quote, quote

__all__ = ["Line", "Quote", "quote"]
