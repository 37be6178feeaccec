"""``python -m ivc``: the ``ivc`` command where its script is not on the path."""

import sys

from ivc.cli import main

if __name__ == "__main__":
    sys.exit(main())
