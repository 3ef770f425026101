"""What needs a person: one list for everything that machines could not settle by themselves."""
