"""The operator's command: sites, waves, drift, dead letters, replays and the books, of one deployment."""
