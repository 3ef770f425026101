"""The console: what main staff and the owners of sub-sites work with. The host decides whose it is."""
