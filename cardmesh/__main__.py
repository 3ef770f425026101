"""`python -m cardmesh`."""

import os

os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"  # a line for a machine is none for who sits here
os.environ["POWERTOOLS_METRICS_DISABLED"] = "true"

from .command import app

if __name__ == "__main__":
    app(prog_name="cardmesh")
