"""What pages share: modules, styles, and those that run a model without a server."""

from pathlib import Path

#: The folder of the files of pages.
FOLDER = Path(__file__).parent
