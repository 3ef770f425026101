"""One price engine, explained line by line."""
