"""The shoppers of one site. The same person on two sites is two members."""
