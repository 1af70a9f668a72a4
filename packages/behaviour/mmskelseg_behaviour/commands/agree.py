"""Compares what several observers labelled: kappa, errors, where they disagree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg_behaviour.agreement import compare_observers, offset_words
from mmskelseg_behaviour.agreement_files import (
    BoutsOfObservers,
    agreement_lines,
    draw_agreement,
    write_agreement,
)
from mmskelseg_behaviour.recordings import (
    Recording,
    Sources,
    paired,
    read_observers,
    read_sources,
)
from mmskelseg_io.files.projects import observer_of
from mmskelseg_io.inputs import LabelInput
from mmskelseg_io.jobs.declared import from_options
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.labels.segments import by_tier
from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import UserError, check_name, escaped
from mmskelseg_io.messages.options import Positive, argument, like, option
from mmskelseg_io.structures.bouts import Bouts
from mmskelseg_io.structures.choices import EACH
from mmskelseg_io.structures.tiers import flat_classes

# Frames per second if no file states any.
_FPS = 25.0
# The most frames of all recordings together: a week at 25 frames per second.
_MOST_FRAMES = 1 << 24
# The most classes of a tier: each is compared with each.
_MOST_CLASSES = 1000
# Lengths that differ by less are the same, in seconds.
_ABOUT = 0.1


@dataclass(frozen=True, kw_only=True)
class Agree(Job[dict[str, Any]]):
    """Compares what several observers labelled: kappa, errors, where they disagree.

        %(prog)s ann.boris bob.boris --background other
        %(prog)s data/mine/annotations.pkl out --names ann model --out agreement

    Each OBSERVER is a file of a labelling tool, the segments.json of `mmskelseg
    segment`, a project of `mmskelseg studio`, an annotation file, the predictions of
    `mmskelseg test --dump`, or a folder of such files; or one annotation file has the
    labels of all (`observers`). Recordings are paired by name, classes as well. OUT
    gets:

      agreement.html     all of it on one page
      agreement.json     all of it, for programs
      overall.csv        of each pair: Cohen's kappa by frame, Krippendorff's alpha,
                         the share of frames with the same label, Edit, F1@10/25/50;
                         of three and more: Fleiss' kappa and alpha
      by_class.csv       kappa and alpha of each class against the rest
      measures.csv       number of bouts, total and mean duration, and latency of each
                         class: mean difference (second minus first), mean error, and
                         ICC(2,1) over recordings
      confusion.csv      frames by the class that each of a pair gives them
      disagreements.csv  the intervals to talk about, the longest first
      timelines/         a picture of each recording

    Time that one of them did not label does not count, unless --background names its
    class. In scores of a pair, the first counts as the truth.
    """

    removes_outdated = True
    observers: Sequence[Path] = argument(
        'files or folders of observers, or of a model', metavar='OBSERVER'
    )
    out: Path = option(
        'folder for the files (default: %(default)s)',
        Path('agreement'),
        metavar='DIR',
    )
    names: Sequence[str] = option(
        'name of each observer (default: that of the file or, of files of one name, of '
        'the first folder above that differs)',
        (),
        metavar='NAME',
    )
    background: str | None = option(
        'class of the time without a label (default: none, it does not count)',
        None,
        metavar='NAME',
    )
    duration: Positive | None = option(
        'length of each recording (default: as its file, its video or that of another '
        'observer states it, or else until the last label of anyone)',
        None,
        metavar='SECONDS',
    )
    fps: Positive | None = option(
        'frames per second that are compared (default: the most that a file states, or '
        f'{_FPS:g})',
        None,
    )
    shift: Mapping[str, float] | None = option(
        'frames by which labels of an observer are moved, later if positive',
        None,
        metavar='NAME=FRAMES',
    )
    label_format: str | None = like(LabelInput, 'label_format')
    label_fps: Positive | None = like(LabelInput, 'label_fps')
    label_option: Sequence[tuple[str, str]] = like(LabelInput, 'label_option')
    clip_labels: bool = like(LabelInput, 'clip_labels')

    def run(self, events: Events) -> dict[str, Any]:
        """Write the files, and return the content of agreement.json.

        Raises:
            UserError: If observers or files do not suit each other; it names them.
        """
        names, read = _read(self)
        found, notes = paired(dict(zip(names, read.recordings, strict=True)))
        fps, more = _rate(found, self.fps)
        bouts, of_lengths = _bouts(self, read, found)
        _check_size(bouts, found, fps)
        for tier in read.tiers:
            if len(tier.classes) > _MOST_CLASSES:
                raise UserError(
                    f'{tier.name or "The labels"}: {len(tier.classes)} classes, but at '
                    f'most {_MOST_CLASSES} can be compared; check that the column of '
                    'labels is the right one.'
                )
        for who, shift in (self.shift or {}).items():
            notes.append(f'labels of {who} are moved by {shift:+g} frames (--shift)')
            for own in bouts.values():
                if who in own:
                    own[who] = _moved(own[who], shift / fps)
        content = compare_observers(names, bouts, read.tiers, fps)
        notes += [*read.notes, *more, *of_lengths, *_remarks(content)]
        notes += _of_classes(names, read, bouts)
        content['notes'] = [f'{note.removesuffix(".")}.' for note in notes]
        pictures = list(
            draw_agreement(self.out, bouts, read.tiers, content, read.colors)
        )
        write_agreement(self.out, content, pictures, read.colors)
        events.note('\n'.join(map(escaped, agreement_lines(content))))
        events.note(f'\n{self.out / "agreement.html"}')
        return content


def _read(job: Agree) -> tuple[list[str], Sources]:
    """Return the names of observers, and what they labelled."""
    path, *others = job.observers
    is_one = not others and path.suffix in ('.pkl', '.pickle') and not job.names
    if is_one and (found := read_observers(path, job.background)):
        _check_shifts(job, found[0])
        return found
    if not others:
        raise UserError(
            f'{path}: is of a single observer; name the files of two or more, or an '
            'annotation file in which videos have `observers`.'
        )
    # The background is that of unlabelled time.
    own = {**vars(job), 'person': EACH, 'background': None}
    given = from_options(LabelInput, own)
    names = _names(job)
    _check_shifts(job, names)
    sources = [[one] for one in job.observers]
    return names, read_sources(sources, given, job.background, job.duration)


def _names(job: Agree) -> list[str]:
    """Return the names of observers: given, or those of files, or of their folders.

    These are the first folders that differ, from the files upwards.
    """
    each = (
        [observer_of(path) or path.stem, *(up.name for up in path.absolute().parents)]
        for path in job.observers
    )
    levels = [[*level] for level in zip(*each, strict=False)]
    differ = (level for level in levels if len({*level, ''}) > len(level))
    names = list(job.names) or next(differ, levels[0])
    if len(names) != len(job.observers):
        raise UserError(
            f'--names has {len(names)} for {len(job.observers)} observers; give one '
            'for each.'
        )
    for name in names:
        check_name(name, '--names: the name of an observer')
        if not name.strip():
            raise UserError(f'--names: an observer has the name {name!r}; name each.')
        if names.count(name) > 1:
            raise UserError(f'{name}: two observers have this name; set --names.')
    return names


def _check_shifts(job: Agree, names: Sequence[str]) -> None:
    for name, frames in (job.shift or {}).items():
        if name not in names:
            raise UserError(
                f'--shift {name}={frames}: there is no such observer; choose from '
                f'{", ".join(names)}.'
            )
        if not isinstance(frames, int | float) or not np.isfinite(frames):
            raise UserError(f'--shift {name}={frames}: expected a number of frames.')


def _rate(
    found: Mapping[str, Mapping[str, Recording]], wanted: float | None
) -> tuple[float, list[str]]:
    """Return the frame rate of the comparison, and notes."""
    rates = {one.video.fps for own in found.values() for one in own.values()}
    known = sorted(rate for rate in rates if rate)
    fps = wanted or max(known, default=_FPS)
    notes = []
    if len(known) > 1:
        rates_ = listed([f'{rate:g}' for rate in known])
        notes.append(f'files are of {rates_} frames per second, compared at {fps:g}')
    if not known and not wanted:
        notes.append(
            f'no file states frames per second; {fps:g} are compared, or those of --fps'
        )
    return fps, notes


def _bouts(
    job: Agree, read: Sources, found: Mapping[str, Mapping[str, Recording]]
) -> tuple[BoutsOfObservers, list[str]]:
    """Return the bouts of each observer in each recording, and notes.

    A recording lasts as long as its file states, or that of another observer, or else
    until the last label of anyone.
    """
    bouts: BoutsOfObservers = {}
    unknown, notes = [], []
    for name, own in found.items():
        videos = {who: one.video for who, one in own.items()}
        ends = {
            who: max((segment.end for segment in video.segments), default=0.0)
            for who, video in videos.items()
        }
        stated = {who: v.seconds for who, v in videos.items() if v.seconds is not None}
        if not stated and job.duration is None:
            unknown.append(name)
        longest = max((stated or ends).values())
        bouts[name] = {
            who: read.bouts(
                one, job.duration or stated.get(who, max(longest, ends[who]))
            )
            for who, one in own.items()
        }
        lengths = {who: one.duration for who, one in bouts[name].items()}
        if max(lengths.values()) - min(lengths.values()) > _ABOUT:
            words = (f'{seconds:.2f} s ({who})' for who, seconds in lengths.items())
            notes.append(
                f'{name!r} is {", ".join(words)} long; what one lacks does not count'
            )
    if unknown and (job.background or read.absences):
        notes.append(
            f'no file states the length of {listed(unknown)}, so time without a label '
            'counts until the last label of anyone; give --duration SECONDS'
        )
    return bouts, notes


def _check_size(
    bouts: Mapping[str, Mapping[str, Bouts]],
    found: Mapping[str, Mapping[str, Recording]],
    fps: float,
) -> None:
    """Raise a UserError if there are more frames than a week has."""
    lengths = {n: max(o.duration for o in own.values()) for n, own in bouts.items()}
    frames = sum(lengths.values()) * fps
    if frames > _MOST_FRAMES:
        longest = max(lengths, key=lengths.__getitem__)
        path = next(iter(found[longest].values())).path
        raise UserError(
            f'{path}: recording {longest!r} lasts {lengths[longest]:g} s, and all '
            f'together {frames:.0f} frames, but at most {_MOST_FRAMES} are compared; '
            'check that times are in seconds, or choose a lower --fps.'
        )


def _moved(bouts: Bouts, seconds: float) -> Bouts:
    """Return bouts that are later by some seconds, within the recording."""
    start, end = (
        np.clip(side + seconds, 0, bouts.duration) for side in (bouts.start, bouts.end)
    )
    kept = start < end
    return replace(bouts, start=start[kept], end=end[kept], label=bouts.label[kept])


def _remarks(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the comparison shows besides its numbers."""
    for row in content['shifts']:
        moved = f'--shift {row["observers"][1]}={row["frames"]}'
        yield f'{offset_words(row)}, or move them with {moved}'
    for row in content['unlabelled']:
        first, second = row['observers']
        yield (
            f'{first} labels {row["only_first_s"]:.1f} s that {second} does not, and '
            f'{second} {row["only_second_s"]:.1f} s that {first} does not; they do not '
            'count, but if they were watched, name their class with --background'
        )


def _of_classes(
    names: Sequence[str], read: Sources, bouts: BoutsOfObservers
) -> Iterator[str]:
    """Yield classes that not all use, names that are nearly equal, and other orders."""
    classes = flat_classes(by_tier(read.classes))
    alike: dict[str, list[str]] = {}
    for k, name in enumerate(classes):
        alike.setdefault(' '.join(name.casefold().split()), []).append(name)
        users = [
            who
            for who in names
            if any(k in own[who].label for own in bouts.values() if who in own)
        ]
        if 0 < len(users) < len(names):
            others = [who for who in names if who not in users]
            yield f'{name!r} is used by {listed(users)}, but not by {listed(others)}'
    for several in alike.values():
        if len(several) > 1:
            yield f'{listed([*map(repr, several)])} are compared as different classes'
    orders: dict[tuple[str, ...], str] = {}
    for who, own in zip(names, read.recordings, strict=True):
        for one in own.values():
            if one.classes:
                stated = flat_classes(by_tier(one.classes))
                orders.setdefault(tuple(stated), who)
    (before, first), *more = [*orders.items()] or [((), '')]
    for order, who in more:
        if {*order} == {*before}:
            yield (
                f'the classes of {who} have another order than those of {first}; they '
                'are compared by name'
            )


main = Agree.main
