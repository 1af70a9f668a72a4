"""Parts of the runtime, and other registries that take them over or add theirs."""

from mmskelseg.registry import TRANSFORMS
from mmskelseg_runtime import parts as module
from mmskelseg_runtime.parts import RENDERERS, Parts


def test_parts_are_shared_whenever_they_are_registered():
    parts, taken = Parts(), []

    @parts.register
    class Before:
        pass

    parts.share(taken.append)

    @parts.register
    class After:
        pass

    assert taken == [Before, After]
    assert parts.names() == ['Before', 'After']


def test_names_without_a_part_are_looked_up_elsewhere(monkeypatch):
    """By a function of another package."""
    found = {'int': int, 'Own': str}.get
    monkeypatch.setattr(module, 'function', {'find_part': found}.get)
    parts = Parts('find_part')

    @parts.register
    class Own:
        pass

    assert parts.get('Own') is Own
    assert parts.get('int') is int
    assert parts.get('none') is None
    assert Parts('of_nobody').get('int') is None


def test_configs_name_renderers_as_other_transforms():
    from mmskelseg_runtime.features import SkeletonCoordinates

    assert TRANSFORMS.get('SkeletonCoordinates') is SkeletonCoordinates
    assert RENDERERS.get('SkeletonCoordinates') is SkeletonCoordinates
