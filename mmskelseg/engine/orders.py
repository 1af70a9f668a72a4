"""Whether the actions of recordings come in the order of a script."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain

from mmskelseg_io.structures.annotations import Metainfo, VideoAnnotation
from mmskelseg_io.structures.segments import next_actions, resolve_background

#: Orders are a script if the previous action predicts at least this part of the next
#: ones. It is 0.96 in a script that some people leave, and at most 0.65 in tasks and in
#: free behaviour.
SCRIPT = 0.9


def predictability(
    videos: Sequence[VideoAnnotation], metainfo: Metainfo
) -> float | None:
    """Return the part of actions that the previous action predicts.

    An action is predicted if it is what follows the previous one most often in all
    other recordings. Background doesn't count, nor what follows a gap in the labels.
    The result is None if there is no order to speak of: of fewer than three classes, in
    only one recording, or of tiers, whose combinations hardly ever come again.
    """
    if 'tiers' in metainfo:
        return None
    background = resolve_background(metainfo['background'], metainfo['classes'])
    pairs = [Counter(next_actions(video['label'], background)) for video in videos]
    every = sum(pairs, Counter())
    if len({*chain(*every)}) < 3 or sum(map(bool, pairs)) < 2:
        return None
    right = 0
    for own in pairs:
        likeliest: dict[int, tuple[int, int]] = {}
        for (before, after), count in (every - own).items():
            likeliest[before] = max(likeliest.get(before, (0, 0)), (count, after))
        right += sum(
            count
            for (before, after), count in own.items()
            if likeliest.get(before, (0, -1))[1] == after
        )
    return right / every.total()
