"""Payment channels: which merchants we collect with, and what the channels tell us."""
