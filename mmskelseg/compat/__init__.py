"""Repairs for defects in released dependencies, each with its upstream number.

They are made when mmskelseg is imported, each only where its defect is present, and
import none of the packages that they mend.
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
