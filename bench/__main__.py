"""`python -m bench`, or `python -m bench claim` for one of them."""

import sys

from .run import main

main(tuple(sys.argv[1:]))
