"""The price engine's verbs for other domains."""

from .margin import check_offer, sale_of
from .rules import Line, Quote, quote

__all__ = ["Line", "Quote", "check_offer", "quote", "sale_of"]
