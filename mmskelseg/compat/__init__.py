"""Checks of dependencies, and repairs of defects in their releases.

Both run when mmskelseg is imported, without importing the packages concerned. A repair
is applied only if its defect is present.
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
