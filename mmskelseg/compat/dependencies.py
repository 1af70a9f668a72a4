"""The packages and versions that mmskelseg needs, and a check of those installed."""

from collections.abc import Iterator

from mmskelseg_io.messages.dependencies import Dependency, DependencyError

DEPENDENCIES = (
    Dependency('numpy', '1.23'),
    Dependency('torch', '2.4'),
    Dependency('torchvision', '0.19'),
    Dependency('mmengine', '0.10.4', '1', others=('onedl-mmengine', 'mmengine-lite')),
    # mmcv and mmcv-lite overwrite each other's files, so that messages must name the
    # installed one.
    Dependency(
        'mmcv-lite',
        '2.0.0',
        '2.2.0',
        module='mmcv',
        others=('onedl-mmcv', 'mmcv'),
        label='mmcv-lite (or mmcv)',
    ),
    Dependency('mmaction2', '1.2.0', '2', module='mmaction', others=('otxmmaction2',)),
    Dependency('numba', '0.57'),
    Dependency('rapidfuzz', '3'),
    Dependency('matplotlib', '3.6'),
    Dependency('packaging', '20'),
    Dependency('tqdm', '4.60'),
    Dependency('defusedxml', '0.7'),
)


def problems() -> Iterator[str]:
    """Yield one sentence for each dependency that is missing or unsuitable."""
    yield from filter(None, (dependency.problem() for dependency in DEPENDENCIES))


def check() -> None:
    """Check the dependencies without importing them.

    Raises:
        DependencyError: If one is missing or unsuitable, with the installed version,
            the supported versions and the command that fixes it.
    """
    for problem in problems():
        raise DependencyError(problem)
