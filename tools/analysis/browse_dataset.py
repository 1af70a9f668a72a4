"""Summarises an annotation file; see `mmskelseg browse`."""

from mmskelseg.commands.browse import main

if __name__ == '__main__':
    main(prog='python tools/analysis/browse_dataset.py')
