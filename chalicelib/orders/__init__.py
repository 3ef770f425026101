"""The order and its state machine, nothing else."""
