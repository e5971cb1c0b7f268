"""`python -m backprop_xp`."""

import sys

from backprop_xp.cli import main

sys.exit(main())
