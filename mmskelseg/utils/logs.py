"""Messages of the library, to MMEngine's log where that is in use."""

import logging
import sys


def print_log(message: str, level: int = logging.INFO) -> None:
    """Log a message, by MMEngine if the program has imported it.

    A program without it, such as one of ``mmskelseg.runtime``, gets a line on the error
    output, from the logger ``mmskelseg``.
    """
    mmengine = sys.modules.get('mmengine.logging')
    if mmengine is not None:
        mmengine.print_log(message, 'current', level)
        return
    logger = logging.getLogger('mmskelseg')
    if not logger.handlers:
        logger.addHandler(logging.StreamHandler())
        logger.setLevel(logging.INFO)
    logger.log(level, message)
