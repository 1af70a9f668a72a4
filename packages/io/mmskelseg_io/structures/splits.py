"""Names of splits, of which two are a fold: that for training, and that for testing."""

from collections.abc import Iterable

_TESTS = ('test', 'val')


def folds_of(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return the training and the test split of each fold, by the name of the fold.

    ``train`` belongs to ``test``, or to ``val`` if there is no ``test``; their fold has
    no name and comes first. ``left/train`` belongs to ``left/test``, and MMAction2's
    names are read in the same way.

    >>> folds_of(['left/train', 'left/test', 'val', 'train'])
    {'': ('train', 'val'), 'left': ('left/train', 'left/test')}
    >>> folds_of(['xsub_train', 'xsub_val', 'train1', 'test1'])
    {'xsub': ('xsub_train', 'xsub_val'), '1': ('train1', 'test1')}
    """
    names = list(names)
    found: dict[str, tuple[str, str]] = {}
    for train in names:
        before, part, after = train.rpartition('train')
        tests = [f'{before}{test}{after}' for test in _TESTS]
        test = next((name for name in tests if part and name in names), None)
        if test is not None:
            found.setdefault(f'{before}{after}'.strip('/_-'), (train, test))
    return dict(sorted(found.items(), key=lambda fold: fold[0] != ''))
