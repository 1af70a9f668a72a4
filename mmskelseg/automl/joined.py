"""Clips that are held out, joined into recordings to test a model on."""

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np

from mmskelseg.datasets.items import Item
from mmskelseg.datasets.transforms.join_clips import JoinClips
from mmskelseg.engine.crops import crops_of
from mmskelseg.engine.lengths import CROP_FRAMES
from mmskelseg_io.structures.annotations import Metainfo, VideoAnnotation
from mmskelseg_io.structures.clips import one_action
from mmskelseg_io.structures.objects import OBJECT_KEYS, TrackedObject
from mmskelseg_io.structures.tiers import tiers_of

# What does not follow the frames of a recording of several clips.
_OF_ONE = ('filename', 'observers', 'places')


class _Clips:
    """Some clips as a data set, of which an epoch is enough."""

    def __init__(self, clips: Sequence[VideoAnnotation], metainfo: Metainfo) -> None:
        self.clips = clips
        self.tiers = tiers_of(metainfo)

    def video(self, index: int) -> Item:
        kept = {k: v for k, v in self.clips[index].items() if k not in _OF_ONE}
        more = {'dataset': self, 'tiers': self.tiers, 'crop_frames': None}
        return cast(Item, {**kept, **more, 'epoch': 0, 'run_seed': 0})

    def videos(self) -> Iterator[tuple[int, Item]]:
        return ((i, self.video(i)) for i in range(len(self.clips)))


def joined_clips(
    videos: Sequence[VideoAnnotation], metainfo: Metainfo, name: str
) -> Iterator[VideoAnnotation]:
    """Yield recordings of the clips among some videos, and the others as they are.

    The names of recordings begin with a name. Places are left out, since bodies are
    moved to where the clip before ends.
    """
    source = _Clips(videos, metainfo)
    step = JoinClips(metainfo['skeleton'])
    for index, crop, crops in crops_of(videos, None, CROP_FRAMES):
        video = videos[index]
        if one_action(video['label']) is None:
            yield video
            continue
        item = step({**source.video(index), 'crop': crop, 'crops': crops})
        kept = item.keys() & video.keys() - {'part_of'}
        made = cast(VideoAnnotation, {key: item[key] for key in video if key in kept})
        made['frame_dir'] = f'{name}_joined_{crop + 1}'
        if 'objects' in made:
            made['objects'] = _merged(made['objects'])
        yield made


def _merged(objects: Sequence[TrackedObject]) -> list[TrackedObject]:
    """Return objects of which those of one name, in different clips, are one."""
    found: dict[tuple[str, str], TrackedObject] = {}
    for one in objects:
        name = one['kind'], one['name']
        if name in found:
            # Each is at 0 in the clips of the other.
            both = OBJECT_KEYS.values() & found[name].keys() & one.keys()
            arrays = {key: np.add(found[name][key], one[key]) for key in both}
            one = cast(TrackedObject, {**one, **arrays})
        found[name] = one
    return [*found.values()]
