"""What the shop costs: counts and models that are the same on every machine, times only as ratios."""
