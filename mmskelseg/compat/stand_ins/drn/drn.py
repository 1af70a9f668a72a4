"""The one name that MMAction2 imports from the missing package."""

from typing import Any

from mmaction.registry import MODELS


# Anew where the file is imported under its own path as well.
@MODELS.register_module(force=True)
class DRN:
    """Says that this localizer is missing when a config asks for it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            'DRN is not part of the installed mmaction2, whose release lacks '
            'mmaction/models/localizers/drn (mmaction2 issue 2714); install MMAction2 '
            'from its repository to use it.'
        )
