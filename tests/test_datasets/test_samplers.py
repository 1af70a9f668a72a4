import numpy as np
from mmengine.dataset import DefaultSampler

from mmskelseg.registry import DATA_SAMPLERS


class Videos:
    """Entries of a data set, of random lengths."""

    def __init__(self, count):
        self.lengths = np.random.default_rng(0).integers(10, 1000, count).tolist()

    def __len__(self):
        return len(self.lengths)

    def get_data_info(self, index):
        return {'total_frames': self.lengths[index]}


def build(count=50, batch_size=4, seed=3, **options):
    videos = Videos(count)
    sampler = DefaultSampler(videos, shuffle=True, seed=seed)
    config = {'type': 'LengthBatchSampler', 'sampler': sampler, **options}
    return videos, DATA_SAMPLERS.build({**config, 'batch_size': batch_size})


def padding(videos, batches):
    """Return the share of a batch's frames that are padding, over all batches."""
    lengths = [[videos.lengths[i] for i in batch] for batch in batches]
    padded = sum(len(batch) * max(batch) for batch in lengths)
    return 1 - sum(map(sum, lengths)) / padded


def test_batches_hold_every_video_once_and_little_padding():
    videos, batches = build(pool_batches=100)
    found = list(batches)
    assert sorted(i for batch in found for i in batch) == list(range(50))
    assert len(found) == len(batches) == 13
    in_order = list(batches.sampler)
    plain = [in_order[i : i + 4] for i in range(0, 50, 4)]
    assert padding(videos, found) < padding(videos, plain) / 5


def test_batches_follow_seed_and_epoch():
    """Another epoch is another order and, with pools, other batches."""
    _, batches = build(pool_batches=3)
    first = list(batches)
    assert list(build(pool_batches=3)[1]) == first
    batches.sampler.set_epoch(1)
    second = list(batches)
    assert second != first
    assert {tuple(sorted(b)) for b in second} != {tuple(sorted(b)) for b in first}


def test_incomplete_batches_may_be_left_out():
    """Of 50 videos in fours, two are over."""
    _, batches = build(pool_batches=100, drop_last=True)
    assert [len(batch) for batch in batches] == [4] * 12
