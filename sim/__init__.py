"""A simulated world for the shop's own handlers: every service they call, with its faults, in virtual time."""
