"""Settings of the fusion of branches."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmskelseg.runtime.messages.errors import UserError

# Name of the predictions from the features of all branches.
FUSED = 'fused'


@dataclass(frozen=True)
class FusionOptions:
    """The settings of a fusion."""

    neck: Mapping[str, object] = field(default_factory=dict)
    feed: str = FUSED
    branch_heads: bool = True


def fusion_options(
    branches: list[str], fusion: Mapping[str, Any] | None
) -> FusionOptions:
    """Return the settings of a fusion with their defaults, after checking them."""
    if (len(branches) > 1) != (fusion is not None):
        raise UserError(
            f'The model has the branches {branches} and fusion={fusion}; several '
            'branches need a `fusion`, and one has nothing to fuse.'
        )
    # MMEngine writes `_scope_` into dicts of inherited configs.
    given = {key: v for key, v in (fusion or {}).items() if key != '_scope_'}
    unknown = sorted(given.keys() - {'neck', 'feed', 'branch_heads'})
    if unknown:
        raise UserError(
            f'fusion has {", ".join(map(repr, unknown))}, but takes `neck`, `feed` and '
            '`branch_heads` only.'
        )
    options = FusionOptions(**given)
    feeds = (FUSED, 'own') if options.branch_heads else (FUSED,)
    if options.feed not in feeds:
        raise UserError(
            f"fusion.feed={options.feed!r} is not 'fused', nor 'own' with "
            'branch_heads=True.'
        )
    return options
