"""Whether the actions of recordings come in the order of a script."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from mmskelseg_io.structures.annotations import Metainfo, VideoAnnotation
from mmskelseg_io.structures.segments import next_actions, resolve_background

# Orders are a script if the previous action predicts at least this part of the next
# ones. It is 0.96 in a script that some people leave, and at most 0.65 in tasks and in
# free behaviour. From the second on, a script is in doubt.
_SCRIPT, _IN_DOUBT = 0.9, 0.8


class Order(NamedTuple):
    """How often actions are predicted, in other recordings.

    ``predicted`` is the part of actions that the previous one predicts, ``chance`` what
    is right if each is taken for the most frequent action but the previous one.
    """

    predicted: float
    chance: float

    @property
    def is_script(self) -> bool:
        """Whether recordings follow one script."""
        return self.predicted >= _SCRIPT and self._tells

    @property
    def is_in_doubt(self) -> bool:
        """Whether recordings may follow a script that people often leave."""
        return _IN_DOUBT <= self.predicted < _SCRIPT and self._tells

    @property
    def _tells(self) -> bool:
        # Two states that alternate predict each other, and are no script.
        return 1 - self.predicted <= (1 - self.chance) / 2


def order_of(videos: Sequence[VideoAnnotation], metainfo: Metainfo) -> Order | None:
    """Return how often the actions of recordings are predicted by the others.

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
    right = by_chance = 0
    for own in pairs:
        likeliest: dict[int, tuple[int, int]] = {}
        frequency: Counter[int] = Counter()
        for (before, after), count in (every - own).items():
            likeliest[before] = max(likeliest.get(before, (0, 0)), (count, after))
            frequency[after] += count
        ranking = [action for action, _ in frequency.most_common()]
        for (before, after), count in own.items():
            if likeliest.get(before, (0, -1))[1] == after:
                right += count
            if after == next((one for one in ranking if one != before), None):
                by_chance += count
    return Order(right / every.total(), by_chance / every.total())
