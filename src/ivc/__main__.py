"""``python -m ivc``: the same as the ``ivc`` command."""

from ivc.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
