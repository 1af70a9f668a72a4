"""Errors that a user can act on."""


class UserError(ValueError):
    """An input, an option or a file is at fault.

    Its message is one sentence that says what is wrong, where, and what to do. Commands
    print that sentence; any other exception keeps its traceback, since nobody foresaw
    it.
    """


class MissingFileError(UserError, FileNotFoundError):
    """A file or folder does not exist."""
