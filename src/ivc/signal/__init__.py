"""Array maths shared by codecs: colour transforms, block transforms, prediction and filters.

Everything a decoder runs here is integer arithmetic, so its result is the same on every machine.
"""

from ivc.kernels import discard_stale

discard_stale()
