"""The colour of each class, in all pictures and pages."""

from collections.abc import Iterable, Sequence

from mmskelseg_io.structures.tiers import Tier

# The first seven are Okabe and Ito's (2008). Each further one is the colour farthest
# from all previous ones in CIELAB, for normal vision and for Machado et al.'s (2009)
# simulations of protanopia and deuteranopia. So a class's colour does not depend on the
# number of classes, and 24 colours are at least 14 apart in each of the three.
# fmt: off
PALETTE = (
    '#0072B2', '#E69F00', '#009E73', '#CC79A7', '#56B4E9', '#D55E00', '#F0E442',
    '#5A3C0F', '#0F2D96', '#FFD296', '#1E5A5A', '#7887FF', '#87A55A', '#690F69',
    '#F0D2FF', '#E1A5A5', '#A54B3C', '#B4F069', '#5A2D2D', '#785A87', '#964B00',
    '#0F5AB4', '#B4F0C3', '#A50F5A', '#78A5FF', '#E15A3C', '#E1A54B', '#3CB4C3',
    '#C3B487', '#2DE1C3', '#E16978', '#2D5AD2',
)
# fmt: on
# Greys: of background classes, and of frames without a label.
REST, UNLABELLED = '#BCC1C7', '#8C8C8C'


def class_color(label: int, colors: Sequence[str] = PALETTE) -> str:
    """Return the colour of a class id; colours repeat, by default after 32 classes.

    >>> class_color(0), class_color(32), class_color(-1)
    ('#0072B2', '#0072B2', '#8C8C8C')
    """
    return colors[label % len(colors)] if label >= 0 else UNLABELLED


def class_colors(tiers: Iterable[Tier]) -> list[str]:
    """Return the colours of the classes of all tiers, by their ids in all.

    That of a class is stated; or else grey if it is the background of its tier, or that
    of its id.
    """
    found: list[str] = []
    for tier in tiers:
        for k, name in enumerate(tier.classes):
            own = REST if k == tier.background else class_color(len(found))
            found.append(tier.colors.get(name, own))
    return found


def kind_label(kind: int) -> int:
    """Return the class whose colour the objects of a kind have.

    The first classes have other colours, and nothing like them.

    >>> kind_label(0), kind_label(1), kind_label(31)
    (30, 29, 30)
    """
    return len(PALETTE) - 2 - kind % (len(PALETTE) - 1)


def rgb(color: str) -> tuple[int, int, int]:
    """Return the red, green and blue of a colour, each up to 255.

    >>> rgb('#0072B2')
    (0, 114, 178)
    """
    red, green, blue = bytes.fromhex(color[1:])
    return red, green, blue


def text_color(background: str) -> str:
    """Return black or white, whichever is more legible on a colour.

    >>> text_color('#F0E442'), text_color('#0F2D96')
    ('black', 'white')
    """
    # The weights and the threshold are those of relative luminance in WCAG 2.
    red, green, blue = ((value / 255) ** 2.2 for value in rgb(background))
    is_light = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18
    return 'black' if is_light else 'white'
