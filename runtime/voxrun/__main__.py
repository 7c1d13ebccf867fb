"""`python -m voxrun`."""

import sys

from voxrun.cli import main

sys.exit(main())
