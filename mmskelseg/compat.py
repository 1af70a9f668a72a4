"""Repairs for defects in released dependencies, each with its upstream number."""


def apply() -> None:
    """Apply every repair whose defect is present; safe to call again."""
