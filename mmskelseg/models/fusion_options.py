"""How a segmentor fuses its branches."""

from collections.abc import Mapping
from typing import Any

# Key of what is predicted from the features of all branches.
FUSED = 'fused'


def fusion_options(
    branches: list[str], fusion: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the settings of a fusion with their defaults.

    Args:
        branches: Names of the branches.
        fusion: As for :class:`mmskelseg.models.ActionSegmentor`.

    Raises:
        ValueError: If it is missing, not needed, or has other keys or values.
    """
    if (len(branches) > 1) != (fusion is not None):
        raise ValueError(
            f'The model has the branches {branches} and fusion={fusion}; several '
            'branches need a `fusion`, and one has nothing to fuse.'
        )
    options = {'feed': FUSED, 'branch_heads': True, **(fusion or {})}
    # MMEngine writes `_scope_` into dicts of inherited configs.
    unknown = sorted(options.keys() - {'neck', 'feed', 'branch_heads', '_scope_'})
    if unknown:
        raise ValueError(
            f'fusion has {", ".join(map(repr, unknown))}, but takes `neck`, `feed` and '
            '`branch_heads` only.'
        )
    if options['feed'] not in (FUSED, 'own') or (
        options['feed'] == 'own' and not options['branch_heads']
    ):
        raise ValueError(
            f"fusion.feed={options['feed']!r} is not 'fused', nor 'own' with "
            'branch_heads=True.'
        )
    return options
