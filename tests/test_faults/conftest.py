"""How the property-based tests of this folder draw."""

import os

from hypothesis import settings

# The suite tries the same inputs each time, so that it fails for what has changed;
# `make fuzz` draws new ones in each round.
settings.register_profile('suite', derandomize=True)
if 'SKELSEG_FUZZ_EXAMPLES' not in os.environ:
    settings.load_profile('suite')
