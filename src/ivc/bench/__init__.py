"""Measuring codecs against one another: anchors, runs, results, statistics.

==============  ===================================================================================
``contenders``  codecs as pairs of commands: ours, anchors, any program
``material``    pictures and clips, prepared so that every codec reads them
``processes``   one command, measured
``scores``      what a decoded file scores
``points``      one result, and what it depends on
``store``       results in an SQLite file
``exports``     results as JSON lines and CSV
``runner``      material x codec x setting: what is not yet known is run
``timing``      speed, one command at a time
``suite``       what to run, as a small TOML file
``bd``          BD-rate
``published``   curves from the literature
``summary``     results as curves and tables
``compare``     one file against the tools of today
``pages``       results as a report
``look``        pictures for its viewer
==============  ===================================================================================
"""

from ivc.errors import UsageError


def require_tools() -> None:
    """Check that what every measurement needs is there.

    Raises:
        UsageError: when it is not, with what to install.
    """
    from importlib.util import find_spec

    missing = [name for name in ("psutil", "scipy") if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"ivc compare and ivc bench need {' and '.join(missing)}: pip install 'ivc[bench]'"
        )
