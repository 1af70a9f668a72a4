"""The scores of a test; each is a module of this folder, which registers it.

Whatever lists scores, such as reports, pages and tables, reads :data:`SCORES`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mmskelseg_behaviour.functional.videos import EvaluatedVideos
from mmskelseg_io.files.formats import import_modules


@dataclass(frozen=True)
class Score:
    """A score by which labels are compared with the true ones.

    Args:
        key: Its name in files and options, such as ``f1@10``.
        title: Its name in tables.
        meaning: What it is, in a few words.
        of_videos: Returns the finite score of each video, from 0; None if single videos
            have none.
        pooled: Returns the score of all videos together; None if it is the mean over
            videos.
        higher_is_better: Whether the best have the highest.
        of_labels: Whether it depends on labels, so that post-processing changes it.
        unit: What follows the number; nothing if it is in percent.
        decimals: Digits after the point.
    """

    key: str
    title: str
    meaning: str
    of_videos: Callable[[EvaluatedVideos], Sequence[float]] | None = None
    pooled: Callable[[EvaluatedVideos], float] | None = None
    higher_is_better: bool = True
    of_labels: bool = True
    unit: str = ''
    decimals: int = 2

    def text(self, value: float | None, *, short: bool = False) -> str:
        """Return a value as it is shown, with a digit less if it is to be short.

        >>> SCORES['acc'].text(93.824), SCORES['acc'].text(93.824, short=True)
        ('93.82', '93.8')
        """
        if value is None:
            return '-'
        return f'{value:.{self.decimals - short}f}{self.unit and " "}{self.unit}'


#: All scores by their keys.
SCORES: dict[str, Score] = {}
# Of the errors of RiskMetric, which are no scores of labels.
_UNITS = {'mse': 'points²', 'mae': 'points'}


def register_score(score: Score) -> None:
    """Add a score to :data:`SCORES`."""
    SCORES[score.key] = score


def video_scores() -> list[str]:
    """Return the keys of the scores that single videos have."""
    return [key for key, score in SCORES.items() if score.of_videos]


def score_of(key: str) -> Score:
    """Return the score of a key of a report, with its tier, if it has one, as title.

    >>> score_of('gaze/raw_acc').title
    'gaze: Acc before post-processing'
    """
    tier, _, name = key.rpartition('/')
    own = name.removeprefix('raw_')
    other = Score(own, own, '', of_labels=False, unit=_UNITS.get(own, ''))
    score = SCORES.get(own, other)
    when = ' before post-processing' * (own != name)
    return replace(score, title=f'{tier}{": " * bool(tier)}{score.title}{when}')


def in_percent(scores: Iterable[Score]) -> str:
    """Return the unit of scores, for the caption of their table.

    >>> in_percent([SCORES['acc']])
    'in percent'
    """
    return 'in percent' + ' where no unit is given' * any(s.unit for s in scores)


def score_texts(values: Mapping[str, float]) -> list[str]:
    """Return scores by their titles; what is no score of all videos is left out.

    >>> score_texts({'acc': 93.824, 'acc_std': 2.9, 'edit': 88.0})
    ['Acc 93.8', 'Edit 88.0']
    """
    return [
        f'{score.title} {score.text(values[key], short=True)}'
        for key, score in SCORES.items()
        if key in values
    ]


import_modules(__name__, __path__)
