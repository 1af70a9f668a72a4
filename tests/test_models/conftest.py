import pytest

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
