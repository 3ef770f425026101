"""`python -m cardmesh`."""

from .command import app

if __name__ == "__main__":
    app(prog_name="cardmesh")
