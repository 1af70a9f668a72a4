"""Convert from and to the layout that action segmentation's repositories share.

    features/VIDEO.npy           (D, T) features, a column for each frame
    groundTruth/VIDEO.txt        the name of the class of each frame, a line each
    mapping.txt                  a class a line: its id, a space, its name
    splits/train.split1.bundle   the videos of a split, a line each: VIDEO.txt
    splits/test.split1.bundle    (and 2, 3, ...)

`import` makes a data set of it, so that 50Salads, GTEA, Breakfast and the like can be
trained on; `export` writes it, so that other repositories' code can run on data of this
project. See `import --help` and `export --help`, and docs/datasets/common_layout.md.
"""

import argparse

from converting import converter_parser, faults
from layout_export import add_export
from layout_import import add_import

from mmskelseg.cli import user_errors

EXAMPLES = """examples:
  python tools/dataset_converters/common_layout.py import RAW/gtea data/gtea --fps 15
  python tools/dataset_converters/common_layout.py export data/toy/annotations.pkl OUT
"""


def parse_args() -> argparse.Namespace:
    parser = converter_parser(__doc__, EXAMPLES)
    commands = parser.add_subparsers(required=True, metavar='import|export')
    add_import(commands)
    add_export(commands)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with faults(), user_errors():
        args.run(args)


if __name__ == '__main__':
    main()
