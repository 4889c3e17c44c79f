"""`python -m syncd.catalogue > docs/errors.md`"""

from __future__ import annotations

import sys

from syncd.catalogue.page import render

if __name__ == "__main__":
    sys.stdout.write(render())
