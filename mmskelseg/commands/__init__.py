"""The commands, one module each: their arguments, and calls into other packages."""

import sys
from collections.abc import Sequence

from mmskelseg.runtime import cli

# Each command has a module of the same name with main(argv, prog), imported when used.
COMMANDS = {
    'fit': 'train the model that suits your data, with a report on how good it is',
    'train': 'train a segmentor',
    'test': 'score a trained segmentor, or several as an ensemble',
    'ensemble': 'score the mean predictions of several models',
    'segment': cli.COMMANDS['segment'],
    'bouts': 'write an ethogram with bout statistics, and compare groups',
    'suggest': 'rank what to label next, as drafts for a labelling tool',
    'export': 'write a trained model as an ONNX file, which runs without PyTorch',
    'live': cli.COMMANDS['live'],
    'studio': 'label, train and correct on one page in the browser',
    'app': 'label recordings with a trained model, on a page in the browser',
    'poses': cli.COMMANDS['poses'],
    'make-config': 'write a config for your own data set',
    'features': 'compute features ahead of training',
    'convert': 'convert a data set into an annotation file',
    'browse': 'summarise an annotation file, and list suspicious content',
    'cross-validate': 'train and test on every fold, with every seed',
    'compare': 'compare cross-validations, and test differences for significance',
    'doctor': 'show which packages are installed, and which are missing',
    'convert-model': 'convert a checkpoint of reference code, or publish one',
}
# Files in tools/ and demo/ with other names.
TOOLS = {**cli.TOOLS, 'browse-dataset': 'browse', 'extract-features': 'features'}


def main(argv: Sequence[str] | None = None) -> int | None:
    """Run the command that the first argument names."""
    words = sys.argv[1:] if argv is None else argv
    return cli.dispatch(__name__, COMMANDS, words, TOOLS)
