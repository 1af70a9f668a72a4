"""Colours of classes, told apart with and without colour vision deficiency."""

# The first seven are Okabe and Ito's (2008). Each further one was chosen as the colour
# farthest, in CIELAB, from all before it, for normal sight and for Machado et al.'s
# (2009) simulations of protanopia and deuteranopia: so a class keeps its colour
# however many there are, and 24 of them lie at least 14 apart in each of the three.
# fmt: off
PALETTE = (
    '#0072B2', '#E69F00', '#009E73', '#CC79A7', '#56B4E9', '#D55E00', '#F0E442',
    '#5A3C0F', '#0F2D96', '#FFD296', '#1E5A5A', '#7887FF', '#87A55A', '#690F69',
    '#F0D2FF', '#E1A5A5', '#A54B3C', '#B4F069', '#5A2D2D', '#785A87', '#964B00',
    '#0F5AB4', '#B4F0C3', '#A50F5A', '#78A5FF', '#E15A3C', '#E1A54B', '#3CB4C3',
    '#C3B487', '#2DE1C3', '#E16978', '#2D5AD2',
)
# fmt: on


def class_color(label: int) -> str:
    """Return the colour of a class id; past 32 classes colours come again.

    >>> class_color(0), class_color(32)
    ('#0072B2', '#0072B2')
    """
    return PALETTE[label % len(PALETTE)]
