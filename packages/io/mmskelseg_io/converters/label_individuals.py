"""Labels of several individuals in a recording, and whose poses these are."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from mmskelseg_io.converters.keypoint_videos import Labels, count_joined
from mmskelseg_io.converters.label_tiers import LabelTiers, frame_labels
from mmskelseg_io.files.parsing import read_dicts
from mmskelseg_io.inputs import LabelInput
from mmskelseg_io.labels import Segment
from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import UserError, misfit
from mmskelseg_io.poses import Poses

# What became of segments.
_JOINED = 'joined with a neighbour of the same class'
_CUT = 'cut, since they end over a second after it'


def label_arrays(
    labels: Labels, poses: Poses, path: Path, tiers: LabelTiers, given: LabelInput
) -> tuple[np.ndarray, list[str], Counter[str]]:
    """Return the labels of a video, notes, and how many segments became what.

    Labels are (T,), or (tiers, T); with ``given.each``, there is a row of these for
    each of the people of ``poses``, which are from the file ``path``.
    """
    parts = by_individual(labels, given)
    changed: Counter[str] = Counter()
    for part in parts.values():
        changed[_JOINED] += count_joined(tiers.placed(part.segments), poses.fps or 1)
    if not given.each:
        ((name, part),) = parts.items()
        wanted = given.person
        if name and wanted in poses.people and name.casefold() != wanted.casefold():
            raise UserError(
                f'{part.path}: the labels of video {part.name!r} are of {name!r}, but '
                f'--person is {wanted!r}; name the same one.'
            )
        label, notes, changed[_CUT] = frame_labels(part, poses, tiers, given)
        return label, notes, changed
    rows, notes = [], []
    for own in _matched(parts, poses, path):
        row, more, cut = frame_labels(own, poses, tiers, given)
        rows.append(row)
        notes += more
        changed[_CUT] += cut
    return np.stack(rows), list(dict.fromkeys(notes)), changed


def by_individual(labels: Labels, given: LabelInput) -> dict[str, Labels]:
    """Return the labels of each individual by its name, which is '' for one alone.

    Raises:
        UserError: If there are several, but they are not wanted.
    """
    subjects = _subjects(given.subjects) if given.subjects else {}
    parts: dict[str, list[Segment]] = {}
    for segment in labels.segments:
        name = subjects.get(segment.individual, segment.individual)
        parts.setdefault(name, []).append(segment)
    if len(parts) > 1 and not given.each:
        raise UserError(
            f'{labels.path}: the labels of video {labels.name!r} are of '
            f'{listed(sorted(map(repr, parts)))}; convert each with --person each.'
        )
    if labels.lines or not parts:
        return {'': labels}
    return {name: replace(labels, segments=tuple(s)) for name, s in parts.items()}


def _subjects(path: Path) -> dict[str, str]:
    """Return the individual of each subject, from a table with these two columns."""
    found: dict[str, str] = {}
    for place, row in read_dicts(path, 'subject', 'individual'):
        if not row['individual']:
            raise misfit(place, f'the individual of {row["subject"]!r}', '', 'a name')
        if found.setdefault(row['subject'], row['individual']) != row['individual']:
            raise UserError(
                f'{place}: {row["subject"]!r} is there twice; name it once.'
            )
    return found


def _matched(
    parts: Mapping[str, Labels], poses: Poses, path: Path
) -> list[Labels | None]:
    """Return the labels of each individual of poses, None for those without any.

    Names fit whether or not their case agrees.

    Raises:
        UserError: If the poses lack an individual of the labels.
    """
    known = {name.casefold(): name for name in poses.people}
    if len(known) == 1 and '' in parts:
        known[''] = poses.people[0]
    found: dict[str, Labels] = {}
    for name, labels in parts.items():
        if name.casefold() not in known:
            expected = f'one of those in {path}, {listed(poses.people)}'
            remedy = 'say who is who in a table of subject and individual (--subjects)'
            what = f'the subject of labels of {labels.name!r}'
            raise misfit(labels.path, what, name or 'no subject', expected, remedy)
        whose = known[name.casefold()]
        if whose in found:
            raise UserError(
                f'{labels.path}: two subjects of {labels.name!r} are {whose!r} in '
                f'{path}; rename one, or say who is who with --subjects FILE.'
            )
        found[whose] = labels
    return [found.get(name) for name in poses.people]
