"""Log messages of the library, in MMEngine's log if it is in use."""

import logging
import sys


def print_log(message: str, level: int = logging.INFO) -> None:
    """Log a message, with MMEngine if the program has imported it.

    Otherwise, as in a program that uses ``mmskelseg.runtime``, the logger ``mmskelseg``
    writes it to standard error.
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
