"""Checks of dependencies, and repairs of defects in released ones.

Both run when mmskelseg is imported, and import none of the packages concerned; a repair
is made only where its defect is present.
"""

from mmskelseg.compat.repairs import REPAIRS, Repair

_active: list[Repair] = []


def apply() -> None:
    """Apply every repair whose defect is present; safe to call again."""
    for repair in REPAIRS:
        if repair not in _active and repair.needed():
            repair.apply()
            _active.append(repair)


def active() -> tuple[Repair, ...]:
    """Return the repairs that have been applied in this process."""
    return tuple(_active)
