"""The tiers of a data set, and the labels of its frames in them.

Label files state tiers, or the user does. Otherwise classes that overlap make them: a
class that holds beside others gets a tier, with its absence as the background.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from mmskelseg_io.converters.keypoint_videos import Labels, line_segments
from mmskelseg_io.files.parsing import read_names
from mmskelseg_io.files.typed import read_typed
from mmskelseg_io.inputs import LabelInput
from mmskelseg_io.labels import Segment, segments_to_tiers
from mmskelseg_io.labels.segments import Ethogram, clip_segments
from mmskelseg_io.messages.errors import UserError, check_name, misfit, unlike
from mmskelseg_io.poses import Poses
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_io.structures.tiers import Tier, label_rows, tiers_of

# People label where a class ends and the next begins with overlaps below so many
# seconds.
_IMPRECISE = 0.3
# The tier of classes that overlap with none.
_REST = 'actions'
_REMEDY = 'state the classes of each tier with --tiers FILE'
# The labels in use, each with its tier, and the first video that has it.
_Used = dict[tuple[str, str], Labels]
# The classes of each tier.
_Groups = dict[str, list[str]]


@dataclass(frozen=True)
class LabelTiers:
    """The tiers of a data set; one without a name if nothing holds at the same time.

    Attributes:
        tiers: The tiers.
        of_label: The tier of each label whose own is not kept.
        keeps: Whether labels keep the tiers that they state.
        implied: Names of tiers whose background holds wherever they have no label.
        notes: Why there are tiers, if nothing states them, or a class beside two.
    """

    tiers: Sequence[Tier]
    of_label: Mapping[str, str]
    keeps: bool = False
    implied: frozenset[str] = frozenset()
    notes: Sequence[str] = ()

    def placed(self, segments: Iterable[Segment]) -> list[Segment]:
        """Return segments in these tiers."""
        return [
            one
            if self.keeps and one.tier
            else replace(one, tier=self.of_label.get(one.label, ''))
            for one in segments
        ]


def find_tiers(labels: Sequence[Labels], given: LabelInput) -> LabelTiers:
    """Return the tiers of a data set from the labels of all its videos.

    Raises:
        UserError: If options and labels contradict each other.
    """
    used = _used(labels)
    wanted = read_names(given.classes)
    groups: _Groups = {}
    rest, notes = '', []
    named = list(dict.fromkeys(tier for tier, _ in used if tier))
    keeps = len(named) > 1
    if given.tiers:
        groups = _read_tiers(given.tiers)
        keeps = bool(named) and {*named} <= groups.keys()
        if wanted:
            raise UserError('--classes and --tiers both name the classes; give one.')
    elif keeps:
        groups = {tier: [name for t, name in used if t == tier] for tier in named}
    elif given.overlap == 'tiers' and (overlaps := _overlaps(labels)):
        groups, rest = _overlapping_groups(labels, {name for _, name in used}, overlaps)
        first = next(iter(overlaps.values()))
        notes = [f'classes that overlap get tiers of their own; the first: {first}']
    if not keeps:
        used = {('', label): item for (_, label), item in used.items()}
    if len(groups) < 2:
        classes = wanted or sorted(label for _, label in used)
        if given.tiers:
            (classes,) = groups.values()
        if given.tiers and len(classes) == 1 and not given.background:
            absence = f'no {classes[0]}'
            given = replace(given, background=[absence])
            classes = [absence, *classes]
        return _one_tier(classes, given)
    of_label: dict[str, str] = {}
    for (tier, label), item in used.items():
        its = _tier_of(tier, label, groups, given.tiers or item.path, item.path)
        of_label |= {} if tier else {label: its}
    if wanted:
        _check_same(wanted, {label for _, label in used})
    for tier, own in groups.items():
        if own == [f'no {tier}']:
            # A file of a tier whose class was never seen.
            own.append(tier)
    absent = {tier: _absence(tier, own, tier == rest) for tier, own in groups.items()}
    if not given.tiers:
        groups = _sorted(groups, absent, wanted)
    backgrounds = absent | _backgrounds(given.background, groups, absent, rest)
    for tier, name in backgrounds.items():
        if absent[tier] and groups[tier] == [name]:
            raise UserError(
                f'--background {name}: is the only class of the tier {tier!r}, whose '
                f'background is its absence, {absent[tier]!r}; leave it out.'
            )
        if name is not None and name not in groups[tier]:
            groups[tier].insert(0 if absent[tier] else len(groups[tier]), name)
    labelled = {(tier or of_label[label], label) for tier, label in used}
    implied = {t for t, name in absent.items() if name and (t, name) not in labelled}
    tiers = tiers_of({'tiers': groups, 'background': backgrounds})
    return LabelTiers(tiers, of_label, keeps, frozenset(implied), notes)


def _used(labels: Iterable[Labels]) -> _Used:
    found: _Used = {}
    for item in labels:
        for segment in item.segments:
            found.setdefault((segment.tier, segment.label), item)
        for line in filter(None, item.lines):
            found.setdefault(('', line), item)
    return found


def _sorted(
    groups: _Groups, absent: Mapping[str, str | None], wanted: Sequence[str]
) -> _Groups:
    """Return tiers by name, and their classes in the wanted order or by name.

    An absence comes first, as it does where it is added.
    """
    found: _Groups = {}
    for tier in sorted(groups):
        first = absent[tier]
        names = sorted(groups[tier], key=wanted.index if wanted else None)
        if first in names and not wanted:
            names.insert(0, names.pop(names.index(first)))
        found[tier] = names
    return found


def _one_tier(classes: Sequence[str], labels: LabelInput) -> LabelTiers:
    """Return a single tier with these classes, and the background if it is another."""
    given = labels.background
    if len(given) > 1:
        raise UserError(
            f'--background names {", ".join(given)}, but labels have one tier; name '
            'one class.'
        )
    if 'background' in (labels.unlabelled, labels.overlap) and not given:
        raise UserError('name the class with --background NAME.')
    names = [*classes, *(name for name in given if name not in classes)]
    background = given[0] if given else None
    notes = [
        f'{background} is a third class beside {name} and no {name}; for two, give '
        f"--background 'no {name}'"
        for name in classes
        if f'no {name}' in classes and background not in (None, name, f'no {name}')
    ]
    tiers = tiers_of({'classes': names, 'background': background})
    return LabelTiers(tiers, {}, notes=notes)


def _read_tiers(path: Path) -> _Groups:
    """Return the classes of each tier that a JSON file states."""
    remedy = 'write it like {"posture": ["stand", "sit"], "sniff": ["sniff"]}'
    kind = dict[str, list[str]]
    content = read_typed(path, kind, 'whatever made it', remedy, unique=True)
    if not content:
        raise UserError(f'{path}: has no tier; {remedy}.')
    for tier, classes in content.items():
        place = f'{path}: tier {tier!r}'
        if not classes or '' in (tier, *classes):
            expected = 'names of the tier and of its classes'
            raise misfit(place, 'its classes', classes, expected, remedy)
        for name in (tier, *classes):
            check_name(name, place)
            if classes.count(name) > 1:
                raise UserError(f'{place} names {name!r} twice; delete one of them.')
    return content


def _check_same(wanted: Sequence[str], used: set[str]) -> None:
    """Raise a UserError unless --classes has the labels of several tiers."""
    for name in sorted(used.symmetric_difference(wanted)):
        what = 'is a label, but not' if name in used else 'is no label, but one'
        raise UserError(
            f'{name!r} {what} of --classes ({", ".join(wanted)}); with several tiers '
            f'the two must agree, so correct one of them, or {_REMEDY}.'
        )


def _tier_of(tier: str, label: str, groups: _Groups, source: Path, path: Path) -> str:
    """Return the tier of a label, which need not state it if no other has the label."""
    found = [t for t, names in groups.items() if label in names and tier in ('', t)]
    if len(found) == 1:
        return found[0]
    which = f'the tier {tier!r}' if tier else f'one of the tiers {", ".join(groups)}'
    there = f'only one of {", ".join(found)}' if found else which
    raise UserError(
        f'{source}: {label!r} of {path} must be in {there}'
        f'{", since that file does not state which" if found else ""}; '
        f'rename the label, or {_REMEDY}.'
    )


def _overlaps(labels: Iterable[Labels]) -> dict[frozenset[str], str]:
    """Return the pairs of classes that overlap, and in words where they do so first.

    The time that two segments share must be all of one of them, or no imprecision.
    """
    found: dict[frozenset[str], str] = {}
    for item in labels:
        running: list[Segment] = []
        for new in sorted(item.segments, key=lambda one: (one.start, one.end)):
            running = [old for old in running if old.end > new.start]
            for old in running:
                shared = round(min(old.end, new.end) - new.start, 3)
                within = shared > 0 and (new.end <= old.end or new.start == old.start)
                if old.label != new.label and (within or shared >= _IMPRECISE):
                    words = f'{old} and {new} in {item.name}'
                    found.setdefault(frozenset((old.label, new.label)), words)
            running.append(new)
    return found


def _overlapping_groups(
    labels: Iterable[Labels], used: set[str], overlaps: Iterable[frozenset[str]]
) -> tuple[_Groups, str]:
    """Return the tiers of classes of which some overlap.

    If a tool states which classes exclude each other, these are its tiers. Otherwise
    they are the categories within which no classes overlap; each further class that
    overlaps; and the rest, whose name is returned as well.
    """
    ethogram = _merged(item.ethogram for item in labels if item.ethogram)
    excluded, categories = ethogram.excluded, ethogram.categories
    order = [*(name for name in categories if name in used)]
    order += sorted(used - {*order})
    of_category: _Groups = {}
    for name in order:
        of_category.setdefault(categories.get(name, ''), []).append(name)
    parts: list[list[str]] = []
    rest: list[str] = []
    if excluded:
        for name in order:
            for part in parts:
                if all(_exclude(excluded, name, other) for other in part):
                    part.append(name)
                    break
            else:
                parts.append([name])
    else:
        overlapping = {name for pair in overlaps for name in pair}
        for category, own in of_category.items():
            if category and not {*map(frozenset, combinations(own, 2))} & {*overlaps}:
                parts.append(own)
                continue
            parts += [[name] for name in own if name in overlapping]
            rest += [name for name in own if name not in overlapping]
        parts += [rest] if rest else []
    groups: _Groups = {}
    for part in parts:
        category = categories.get(part[0], '')
        name = part[0] if len(part) == 1 else _REST
        name = category if category and of_category[category] == part else name
        while name in groups:
            name += ' 2'
        groups[name] = part
    return groups, name if rest and len(rest) > 1 else ''


def _exclude(excluded: Mapping[str, frozenset[str]], one: str, other: str) -> bool:
    return other in excluded.get(one, ()) and one in excluded.get(other, ())


def _merged(ethograms: Iterable[Ethogram]) -> Ethogram:
    """Return what several files state of their classes."""
    categories: dict[str, str] = {}
    excluded: dict[str, frozenset[str]] = {}
    for ethogram in ethograms:
        for name, category in ethogram.categories.items():
            categories.setdefault(name, category)
        for name, others in ethogram.excluded.items():
            excluded[name] = excluded.get(name, frozenset()) | others
    return Ethogram(categories, excluded)


def _absence(tier: str, classes: Sequence[str], is_rest: bool) -> str | None:
    """Return the class of a tier that stands for the absence of the others, if any.

    A single class has one, as have classes that overlap with none. Files that were
    written from such tiers have it as a class.

    >>> _absence('sniff', ['sniff'], False), _absence('a', ['no sniff', 'sniff'], False)
    ('no sniff', 'no sniff')
    """
    if f'no {tier}' in classes:
        return f'no {tier}'
    if len(classes) == 1:
        return f'no {classes[0]}'
    if is_rest:
        return f'no {tier}'
    pairs = [f'no {name}' for name in classes if f'no {name}' in classes]
    return pairs[0] if pairs and len(classes) == 2 else None


def _backgrounds(
    given: Iterable[str], groups: _Groups, absent: Mapping[str, str | None], rest: str
) -> dict[str, str]:
    """Return the backgrounds that --background states as TIER=NAME or NAME.

    A NAME alone is the background of the tiers that have this class, or else of those
    that have none.
    """
    found: dict[str, str] = {}
    for text in given:
        tier, equals, name = text.partition('=')
        if equals and (tier not in groups or not name):
            expected = f'TIER=NAME with one of the tiers {", ".join(groups)}'
            raise UserError(unlike('--background', text, expected))
        if equals:
            found[tier] = name
            continue
        having = [tier for tier, names in groups.items() if text in names]
        others = [tier for tier, name in absent.items() if not name or tier == rest]
        if not having and not others:
            raise UserError(
                f'--background {text}: no tier has it, and each has another; state it '
                f'as TIER={text}, with one of the tiers {", ".join(groups)}.'
            )
        found |= dict.fromkeys(having or others, text)
    return found


def frame_labels(
    labels: Labels | None, poses: Poses, tiers: LabelTiers, given: LabelInput
) -> tuple[np.ndarray, list[str], int]:
    """Return class ids of the frames of poses, (T,) or (tiers, T), and notes.

    How many labels are cut at the end comes last. Without labels, all ids are -1.
    """
    frames, fps = poses.keypoint.shape[1], poses.fps
    assert fps is not None
    if labels is None:
        rows = np.full((len(tiers.tiers), frames), IGNORED)
        return rows if tiers.tiers[0].name else rows[0], [], 0
    rate = labels.fps
    if labels.lines:
        rate = given.label_fps or (fps if len(labels.lines) == frames else None)
        if rate is None:
            raise UserError(
                f'{labels.path}: {len(labels.lines)} lines, but {frames} frames of '
                f'poses at {fps:g} fps; give the rate of the lines by --label-fps.'
            )
    ignores = given.unlabelled == 'ignore'
    missing = {}
    for tier in tiers.tiers:
        missing[tier.name] = 'unlabelled' if ignores else given.unlabelled
        if tier.name in tiers.implied:
            missing[tier.name] = 'unlabelled'
        elif given.unlabelled == 'background' and tier.background is None:
            missing[tier.name] = 'error'
    segments, cut = clip_segments(
        line_segments(labels, rate), frames / fps, anyhow=given.clip_labels
    )
    label = segments_to_tiers(
        tiers.placed(segments),
        frames,
        fps,
        tiers.tiers,
        missing=missing,
        overlap='error' if given.overlap == 'tiers' else given.overlap,
        video=f'{labels.name} in {labels.path}',
    )
    rows = label_rows(label)
    # Where nothing at all is labelled, nobody looked.
    unseen = (rows == IGNORED).all(0) & ignores
    for tier, row in zip(tiers.tiers, rows, strict=True):
        if tier.name in tiers.implied:
            row[(row == IGNORED) & ~unseen] = tier.background
    differs = rate is not None and not math.isclose(rate, fps, rel_tol=1e-3)
    note = f'labels at {rate:g} fps applied to poses at {fps:g} fps' if differs else ''
    return label, [note] if note else [], cut
