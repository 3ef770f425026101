"""What the trade looks like from above: boards and lists, never by scanning tables."""
