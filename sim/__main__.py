"""`python -m sim`."""

import sys

from .run import main

sys.exit(main())
