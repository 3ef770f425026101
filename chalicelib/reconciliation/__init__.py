"""Hold the channels' bills against our books, day by day, until every fen is explained."""
