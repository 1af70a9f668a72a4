"""Functions of the runtime for annotation files."""

from mmskelseg_io.files.annotations import (
    check_annotations,
    fold_splits,
    folds,
    load_annotations,
    save_annotations,
    split_names,
    videos_of_split,
)

__all__ = [
    'check_annotations',
    'fold_splits',
    'folds',
    'load_annotations',
    'save_annotations',
    'split_names',
    'videos_of_split',
]
