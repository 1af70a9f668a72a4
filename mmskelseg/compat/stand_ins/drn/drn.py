"""The only name that MMAction2 imports from the missing package."""

from mmaction.registry import MODELS


# Forced, since the file may also be imported under its own path.
@MODELS.register_module(force=True)
class DRN:
    """A stand-in that raises an error when a config uses this localizer."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise NotImplementedError(
            'DRN is not part of the installed mmaction2: its release lacks '
            'mmaction/models/localizers/drn (mmaction2 issue 2714); install MMAction2 '
            'from its repository to use it.'
        )
