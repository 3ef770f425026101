"""A paid order gets what was bought."""
