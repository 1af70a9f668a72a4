"""Checks of dependencies, and repairs of defects in their releases.

Repairs are applied when mmskelseg is imported, each only if its defect is present.
Neither imports the packages concerned.
"""

from mmskelseg.compat.repairs import REPAIRS, Repair

_active: list[Repair] = []


def apply() -> None:
    """Apply every repair whose defect is present; repeated calls are safe."""
    for repair in REPAIRS:
        if repair not in _active and repair.needed():
            repair.apply()
            _active.append(repair)


def active() -> tuple[Repair, ...]:
    """Return the repairs that have been applied in this process."""
    return tuple(_active)
