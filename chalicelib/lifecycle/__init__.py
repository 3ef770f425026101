"""From an application to the last of a site: what admission, time and leaving ask of more than the registry."""
