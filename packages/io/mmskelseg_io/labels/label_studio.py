"""Label Studio's JSON: spans on the timeline of a video.

Three kinds of regions are read: ``timelinelabels`` with ranges of frames, which count
from 1 and include both ends; ``videorectangle``, a box that exists from a keyframe up
to and including a keyframe with ``enabled: false``, or to the end of the video; and
``labels`` with ``start`` and ``end`` in seconds. Frames are at the frame rate of the
labelling interface. If regions of a task have several control tags, each is a tier,
called ``tier@NAME`` if it is of one of several individuals.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.inputs import check_fps
from mmskelseg_io.files.label_studio import (
    REMEDY,
    Region,
    Task,
    name_of_media,
    read_tasks,
)
from mmskelseg_io.files.parsing import FilePath, number, whole
from mmskelseg_io.files.typed import typed
from mmskelseg_io.labels.reading import (
    LABEL_FORMATS,
    FoundVideos,
    NeedsOptionError,
    choose,
    name_of_tier,
    names_of_tiers,
    segments_of_tiers,
    without_lone_tier,
)
from mmskelseg_io.labels.segments import Segment, VideoSegments, frame_at, make_segment
from mmskelseg_io.labels.writing import register_export
from mmskelseg_io.messages.errors import UserError, misfit

_LABELS = {'timelinelabels', 'labels'}
# The control tag of labels without tiers.
_CONTROL = 'videoLabels'
_MEDIA = re.compile(r'\.(mp4|m4v|avi|mkv|mov|mpe?g|ogv|webm)(\?|$)', re.IGNORECASE)


@dataclass(frozen=True)
class _Value:
    ranges: list[dict[str, Any]] = field(default_factory=list)
    sequence: list[dict[str, Any]] = field(default_factory=list)
    timelinelabels: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    start: Any = None
    end: Any = None
    framesCount: Any = None  # noqa: N815


@LABEL_FORMATS.register(
    'label_studio', {'.json': lambda content: isinstance(content, list)}
)
def read_label_studio(
    path: FilePath,
    *,
    fps: float | None = None,
    part: str = 'annotations',
    control: str | Sequence[str] | None = None,
    subject: str | None = None,
    strict: bool = False,
    notes: list[str] | None = None,
) -> list[VideoSegments]:
    """Return the spans of each task of a Label Studio export.

    A video is named after the task's ``frame_dir``, if we wrote it, or else after the
    media file, without the eight digits that an upload prepends. Tasks that do not fit
    are skipped as a whole, with a note: those with several annotations, without a
    video, or for a video that another task labels already.

    Args:
        path: A JSON file, exported as "JSON" (not "JSON-MIN").
        fps: The ``frameRate`` of the ``Video`` tag. By default each task's ``fps``;
            without either, frame numbers are an error.
        part: Read ``annotations`` or ``predictions``.
        control: Read only regions of the control tag of this name (``from_name``), or
            of these.
        subject: Read only regions of this individual, of control tags called
            ``tier@NAME`` or ``@NAME``; needed if a task has several. ``each`` reads
            those of all.
        strict: Whether a task that does not fit is an error.
        notes: See :func:`~mmskelseg_io.labels.read_segments`.
    """
    both = ('annotations', 'predictions')
    if part not in both:
        raise misfit(path, 'part', part, 'annotations or predictions')
    parts = FoundVideos(path, 'tasks', 'delete one of them', strict, notes)
    tasks = list(read_tasks(path))
    for name, task in tasks:
        with parts.part(name, f'{path}: {name}') as videos:
            videos.append(_video(task, fps, part, control, subject, f'{path}: {name}'))
    made = {key for _, task in tasks for key in both if getattr(task, key)}
    if made and part not in made:
        (other,) = made
        remedy = f'read {other} by --label-option part={other}'
        raise UserError(f'{path}: no task has {part}; {remedy}.')
    return without_lone_tier(parts.read())


def _video(
    task: Task,
    fps: float | None,
    part: str,
    control: str | Sequence[str] | None,
    subject: str | None,
    place: str,
) -> VideoSegments:
    own = typed(task.data.get('frame_dir') or '', str, place, REMEDY, 'frame_dir')
    media = next((text for text in task.texts if _MEDIA.search(text)), None)
    name = own or (media and name_of_media(media))
    if not name:
        raise UserError(
            f'{place}: its data has no video file; give it the key frame_dir with the '
            'name of the video.'
        )
    rate = fps if fps is not None else task.data.get('fps')
    regions = _regions(task, part, place)
    names = [region.from_name for region in regions]
    control = names_of_tiers(control, names, subject)
    wanted = [control] if isinstance(control, str) else control
    segments = [
        segment
        for region in regions
        if wanted is None or region.from_name in wanted
        for segment in _segments(region, rate, place)
    ]
    if wanted is None or subject is not None:
        segments = segments_of_tiers(segments, subject, place, _CONTROL)
    return VideoSegments(name, segments, rate, None, media)


@register_export('label-studio', 'label_studio.json', 'Label Studio', corrects=True)
def write_label_studio(path: FilePath, videos: Sequence[VideoSegments]) -> None:
    """Write a task with a prediction for each video, to import and correct.

    The labelling interface must contain ``<Video name="video" value="$video"
    frameRate="$fps"/>`` and ``<TimelineLabels name="videoLabels" toName="video">``,
    or one for each tier, with its name. The tags of an individual are called
    ``tier@NAME``, or ``@NAME`` without tiers. Marks are written as the text
    ``to_label`` of a task, which ``<Header value="$to_label"/>`` shows. Videos need
    fps; their ``filename`` is where Label Studio finds them.
    """
    tasks = []
    for i, video in enumerate(videos):
        fps = check_fps(video.fps, f'video {video.name!r}')
        result = []
        for j, segment in enumerate(video.segments):
            if '@' in segment.individual:
                raise UserError(
                    f'video {video.name!r}: the name of {segment.individual!r} has an '
                    '@, which stands between tier and individual; rename it.'
                )
            # Frames count from 1, so the end frame is the last one inside.
            first, last = frame_at(segment.start, fps) + 1, frame_at(segment.end, fps)
            span = {'start': first, 'end': last}
            region: dict[str, object] = {
                'id': f'{i}_{j}',
                'type': 'timelinelabels',
                'from_name': name_of_tier(segment.tier, segment.individual) or _CONTROL,
                'to_name': 'video',
                'value': {'ranges': [span], 'timelinelabels': [segment.label]},
            }
            result.append(region | _score([segment]))
        media = video.filename or video.name
        data = {'video': media, 'fps': fps, 'frame_dir': video.name}
        if video.marks:
            data['to_label'] = '; '.join(
                f'{mark.start:.1f} to {mark.end:.1f} s: {mark.label}'
                for mark in video.marks
            )
        prediction: dict[str, object] = {'model_version': 'mmskelseg', 'result': result}
        prediction |= _score(video.segments)
        tasks.append({'data': data, 'predictions': [prediction]})
    atomic_write_text(path, json.dumps(tasks, ensure_ascii=False, indent=1))


def _score(segments: Sequence[Segment]) -> dict[str, float]:
    scores = [segment.score for segment in segments if segment.score is not None]
    return {'score': round(fmean(scores), 6)} if scores else {}


def _regions(task: Task, part: str, place: str) -> list[Region]:
    made = [one for one in task.made(part, place) if not one.was_cancelled]
    truth = [one for one in made if one.ground_truth]
    if len(made) > 1 and len(truth) != 1:
        raise UserError(
            f'{place} has {len(made)} {part}; mark one as the ground truth in Label '
            'Studio, or delete the others.'
        )
    regions = [region for one in truth or made for region in one.result]
    # Relations have no value; texts about a region are regions without labels.
    return [region for region in regions if _LABELS & region.value.keys()]


def _segments(region: Region, fps: object, place: str) -> Iterator[Segment]:
    place = f'{place}, region {region.id}'
    value = typed(region.value, _Value, place, REMEDY)
    if value.ranges or value.sequence:
        if fps is None:
            raise NeedsOptionError(
                f'{place} has frame numbers, but the task has no fps; give frameRate '
                'of the Video tag by --label-fps, which is 24 unless it is set.'
            )
        rate = check_fps(fps, place)
        ranges = [
            [whole(span.get(side), place, side) for side in ('start', 'end')]
            for span in value.ranges
        ]
        frames = ranges or _boxes(value, place)
        spans = [((first - 1) / rate, last / rate) for first, last in frames]
    elif value.start is not None and value.end is not None:
        spans = [(number(value.start, place, 'start'), number(value.end, place, 'end'))]
    else:
        return
    labels = value.timelinelabels or value.labels
    label = choose(None, labels, place, 'label', 'deleting the others')
    score = None if region.score is None else number(region.score, place, 'score')
    for start, end in spans:
        yield make_segment(place, start, end, label, score, tier=region.from_name)


def _boxes(value: _Value, place: str) -> list[tuple[float, float]]:
    keyframes = sorted(
        (whole(item.get('frame'), place, 'frame'), bool(item.get('enabled')))
        for item in value.sequence
    )
    spans: list[tuple[float, float]] = []
    begin = None
    for frame, enabled in keyframes:
        if enabled:
            begin = frame if begin is None else begin
        elif begin is not None:
            spans.append((begin, frame))
            begin = None
    if begin is not None:
        spans.append((begin, whole(value.framesCount, place, 'framesCount')))
    return spans
