import pytest
from mmengine.logging import MessageHub

from mmskelseg.models import losses as means


@pytest.fixture
def on_ranks(monkeypatch):
    """Run a function of a rank on each of several, with what their counts add up to."""

    def run(function, world_size):
        counts = []
        sums = None

        def all_reduce(count):
            counts[-1].append(count.item())
            if sums is not None:
                count.fill_(sums[len(counts[-1]) - 1])

        monkeypatch.setattr(means, 'get_world_size', lambda: world_size)
        monkeypatch.setattr(means, 'all_reduce', all_reduce)
        for rank in range(world_size):
            counts.append([])
            function(rank)
        sums = [sum(of_ranks) for of_ranks in zip(*counts, strict=True)]
        counts.clear()
        results = []
        for rank in range(world_size):
            counts.append([])
            results.append(function(rank))
        return results

    return run


@pytest.fixture
def at():
    """Set the part of a training that is done, and forget it at the end."""
    hub = MessageHub.get_current_instance()
    infos = hub.runtime_info

    def progress(step, steps):
        hub.update_info('iter', step)
        hub.update_info('max_iters', steps)

    before = {key: infos.pop(key, None) for key in ('iter', 'max_iters')}
    yield progress
    for key, value in before.items():
        infos.pop(key, None)
        if value is not None:
            infos[key] = value
