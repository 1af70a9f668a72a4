"""The page of a report."""

from collections.abc import Mapping

from mmskelseg.fitting.held_out import Prediction


def page(
    content: Mapping, videos: Mapping[str, Prediction], fps: Mapping[str, float]
) -> str:
    """Return the page of a report's content."""
    return ''
