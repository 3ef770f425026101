"""CardMesh: the main site, its sub-sites, and the way of a purchase between them."""
