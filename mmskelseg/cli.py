"""Old names of what commands share."""

from mmskelseg.commands.arguments import (
    SettingsAction,
    add_config_arguments,
    load_config,
)
from mmskelseg.utils.errors import user_errors

__all__ = ['SettingsAction', 'add_config_arguments', 'load_config', 'user_errors']
