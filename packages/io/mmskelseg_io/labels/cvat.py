"""CVAT's XML, version 1.1: tracks of "CVAT for video", tags of "CVAT for images".

A shape of a track lasts until the next shape of the track, the last one until the end
of the task; ``outside="1"`` means that it is absent. Frame numbers are those of the
video file, from 0, even if the task skips frames (``frame_filter``); a frame then also
covers the skipped frames after it. Ids of images are taken as frame numbers, as in
tasks that were created from a video. In an exported project, ``task_id`` names the task
of a track or an image. An attribute ``individual`` says whose a shape or a tag is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element

from mmskelseg_io.files.names import video_name
from mmskelseg_io.files.parsing import FilePath, read_xml, whole, xml_attribute
from mmskelseg_io.labels.reading import (
    EACH_SUBJECT,
    LABEL_FORMATS,
    FoundVideos,
    needed_rate,
    of_subject,
)
from mmskelseg_io.labels.segments import Segment, VideoSegments, make_segment
from mmskelseg_io.messages.errors import UserError, misfit, shown

# First frame, frame after the last; individual, tier and label.
_Span = tuple[int, int, tuple[str, str, str]]


@LABEL_FORMATS.register('cvat', {'.xml': None})
def read_cvat(
    path: FilePath,
    *,
    fps: float | None = None,
    attribute: str | Sequence[str] | None = None,
    subject: str | None = None,
    strict: bool = False,
    notes: list[str] | None = None,
) -> list[VideoSegments]:
    """Return the spans of tracks and tags, one video per task.

    The video is named after the task's ``source``, or else after the task, since an
    exported project states no source.

    Args:
        path: The ``annotations.xml`` of an exported task, job or project.
        fps: Frames per second of the video files, which CVAT does not write.
        attribute: Take the labels from the attribute of this name, such as "action" of
            a person, instead of from the track. Several attributes are tiers.
        subject: Read only what has this individual as its attribute ``individual``;
            needed if a task has several. ``each`` reads the labels of all.
        strict: Whether a task that does not fit is an error.
        notes: See :func:`~mmskelseg_io.labels.read_segments`.
    """
    root = read_xml(path, 'annotations', 'CVAT')
    rate = needed_rate(fps, path, 'CVAT')
    tiers: dict[str, str | None] = {}
    if attribute is None or isinstance(attribute, str):
        tiers[''] = attribute
    else:
        tiers |= {name: name for name in attribute}
    parts = FoundVideos(path, 'tasks', 'give each the name of its video', strict, notes)
    for name, place, task, own in tasks_of(root, path):
        with parts.part(repr(name), place) as videos:
            if not name:
                raise UserError(
                    f'{place}: meta has no source; give its task the name of the video.'
                )
            segments = _task_segments(task, own, rate, tiers, subject, place)
            one = VideoSegments(video_name(name), segments, rate, None, name)
            if end := end_of(task, place):
                # The last frame may also stand for skipped ones.
                last = max((segment.end for segment in segments), default=0.0)
                one = replace(one, duration=max(end / rate, last))
            videos.append(one)
    return parts.read()


def tasks_of(
    root: Element, path: FilePath
) -> Iterator[tuple[str, str, Element, list[Element]]]:
    """Yield the name of each task's video, its place, itself, its images and tracks."""
    tasks = [*root.iterfind('meta//task'), *root.iterfind('meta/job')]
    if not tasks:
        raise UserError(f'{path}: meta names no task; export the task from CVAT again.')
    labelled = _by_task(root, tasks, path)
    for i, (task, own) in enumerate(zip(tasks, labelled, strict=True), 1):
        # Only a file of one task has a source beside it.
        of_file = root.findtext('meta//source') if len(tasks) == 1 else None
        name = task.findtext('source') or of_file or task.findtext('name') or ''
        place = f'{path}: task {i} ({shown(name)})' if len(tasks) > 1 else str(path)
        yield name, place, task, own


def _by_task(
    root: Element, tasks: Sequence[Element], path: FilePath
) -> list[list[Element]]:
    """Return the images and tracks of each task."""
    items = [*root.iterfind('image'), *root.iterfind('track')]
    if len(tasks) == 1:
        return [items]
    found: dict[str, list[Element]] = {task.findtext('id') or '': [] for task in tasks}
    if len(found) < len(tasks):
        raise UserError(
            f'{path}: two of its {len(tasks)} tasks have the same id; export the '
            'project from CVAT again.'
        )
    for item in items:
        task = item.get('task_id') or ''
        if task not in found:
            what, remedy = f'{item.tag} {shown(item.get("id"))}', 'export it again'
            expected = f'that of one of its {len(tasks)} tasks'
            raise misfit(path, f'{what}, task_id,', task, expected, remedy)
        found[task].append(item)
    return list(found.values())


def end_of(task: Element, place: str) -> int:
    """Return the frame after the last one of a task, 0 if it does not state that."""
    return whole(task.findtext('stop_frame') or -1, place, 'frame') + 1


def step_of(task: Element, place: str) -> int:
    """Return how many frames of the video each frame of a task stands for."""
    text = task.findtext('frame_filter') or 'step=1'
    found = re.fullmatch(r'\s*step\s*=\s*([1-9]\d{0,8})\s*', text)
    if not found:
        raise UserError(f'{place}: frame_filter is {shown(text)}, expected step=N.')
    return int(found[1])


def _task_segments(
    task: Element,
    labelled: Iterable[Element],
    rate: float,
    tiers: Mapping[str, str | None],
    subject: str | None,
    place: str,
) -> list[Segment]:
    """Return the segments of the images and tracks of a task.

    ``tiers`` are the attributes of their labels; None stands for the labels themselves.
    """
    step, stop = step_of(task, place), end_of(task, place)
    spans: list[_Span] = []
    for item in labelled:
        if item.tag == 'track':
            spans += _track_spans(item, step, stop, tiers, place)
            continue
        frame = whole(xml_attribute(item, 'id', place), place, 'frame')
        for tag in item.iterfind('tag'):
            labels = _labels(tag, tag, tiers, f'{place}: image {frame}')
            spans += [(frame, frame + step, label) for label in labels]
    spans = of_subject(spans, subject, place, lambda span: span[2][0])
    if subject != EACH_SUBJECT:
        spans = [(start, end, ('', *names[1:])) for start, end, names in spans]
    joined: list[_Span] = []
    for start, end, label in sorted(spans, key=lambda span: (span[2], span[:2])):
        if joined and joined[-1][2] == label and start <= joined[-1][1]:
            first, before, _ = joined.pop()
            start, end = first, max(before, end)
        joined.append((start, end, label))
    return [
        make_segment(place, start / rate, end / rate, label, tier=tier, individual=who)
        for start, end, (who, tier, label) in joined
    ]


def _track_spans(
    track: Element, step: int, stop: int, tiers: Mapping[str, str | None], path: str
) -> list[_Span]:
    place = f'{path}: track {track.get("id")}'
    return [
        (frame, end, label)
        for frame, end, shape in shapes_of(track, step, stop, place)
        if shape.get('outside') != '1'
        for label in _labels(shape, track, tiers, f'{place}, frame {frame}')
    ]


def shapes_of(
    track: Element, step: int, stop: int, place: str
) -> list[tuple[int, int, Element]]:
    """Return the shapes of a track, each with its frame and that after its last."""
    shapes = sorted(
        (whole(xml_attribute(shape, 'frame', place), place, 'frame'), i, shape)
        for i, shape in enumerate(track)
        if shape.tag != 'attribute'
    )
    frames = [frame for frame, _, _ in shapes]
    ends = [*frames[1:], max(stop, frames[-1] + step)] if frames else []
    return [(frame, end, s) for (frame, _, s), end in zip(shapes, ends, strict=True)]


def _labels(
    shape: Element, labelled: Element, tiers: Mapping[str, str | None], place: str
) -> list[tuple[str, str, str]]:
    """Return individual, tier and label of a shape in each tier."""
    who = shape.findtext('attribute[@name="individual"]', '')
    return [(who, tier, _label(shape, labelled, a, place)) for tier, a in tiers.items()]


def _label(shape: Element, labelled: Element, attribute: str | None, place: str) -> str:
    if attribute is None:
        return xml_attribute(labelled, 'label', place)
    for element in shape.iterfind('attribute'):
        if element.get('name') == attribute:
            return element.text or ''
    raise UserError(
        f'{place}: the {labelled.tag} {labelled.get("label")!r} has no attribute '
        f'{attribute!r}; add it in CVAT, or take the labels themselves.'
    )
