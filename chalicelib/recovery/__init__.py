"""After a table was restored to an earlier moment: what left the house since then is taken into account again."""
