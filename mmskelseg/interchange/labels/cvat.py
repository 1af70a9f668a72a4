"""CVAT's XML, version 1.1: tracks of "CVAT for video", tags of "CVAT for images".

A shape of a track lasts until the next shape of the track, the last one until the end
of the task; ``outside="1"`` means that it is absent. Frame numbers are those of the
video file, from 0, even if the task skips frames (``frame_filter``); a frame then also
stands for the skipped frames after it. Ids of images are taken as frame numbers, as in
tasks that were created from a video.
"""

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element

from mmskelseg.interchange.labels.segments import (
    VideoSegments,
    check_fps,
    make_segment,
    sorted_videos,
)
from mmskelseg.interchange.parsing import (
    FilePath,
    read_xml,
    video_name,
    whole,
    xml_attribute,
)
from mmskelseg.utils.errors import UserError, shown

# First frame, frame after the last, label.
_Span = tuple[int, int, str]


def read_cvat(
    path: FilePath, *, fps: float | None = None, attribute: str | None = None
) -> list[VideoSegments]:
    """Return the spans of tracks and tags, as a list of one video.

    The video is named after the task's ``source``, or else after the task.

    Args:
        path: The ``annotations.xml`` of an exported task or job.
        fps: Frames per second of the video file, which CVAT does not write.
        attribute: Name of an attribute, such as "action" of a person, whose value is
            the label, instead of that of the track.
    """
    root = read_xml(path, 'annotations', 'CVAT')
    if fps is None:
        raise UserError(
            f'{path}: its times are frame numbers, and CVAT does not write the frame '
            'rate; give the fps of the video file.'
        )
    rate = check_fps(fps, str(path))
    tasks = [*root.iterfind('meta//task'), *root.iterfind('meta/job')]
    if len(tasks) != 1:
        raise UserError(
            f'{path}: it has {len(tasks)} tasks, expected one; export each task from '
            'CVAT on its own.'
        )
    source = root.findtext('meta//source') or tasks[0].findtext('name')
    if not source:
        raise UserError(
            f'{path}: meta has no source; give its task the name of the video.'
        )
    text = tasks[0].findtext('frame_filter') or 'step=1'
    found = re.fullmatch(r'\s*step\s*=\s*([1-9]\d{0,8})\s*', text)
    if not found:
        raise UserError(f'{path}: frame_filter is {shown(text)}, expected step=N.')
    step = int(found[1])
    stop = whole(tasks[0].findtext('stop_frame') or -1, str(path), 'frame') + 1
    spans: list[_Span] = []
    for image in root.iterfind('image'):
        frame = whole(xml_attribute(image, 'id', str(path)), str(path), 'frame')
        for tag in image.iterfind('tag'):
            label = _label(tag, tag, attribute, f'{path}: image {frame}')
            spans.append((frame, frame + step, label))
    for track in root.iterfind('track'):
        spans += _track_spans(track, step, stop, attribute, str(path))
    segments = [
        make_segment(str(path), start / rate, end / rate, label)
        for start, end, label in _joined(spans)
    ]
    video = VideoSegments(video_name(source), segments, rate, None, source)
    return sorted_videos([video] if segments else [], path, '')


def _track_spans(
    track: Element, step: int, stop: int, attribute: str | None, path: str
) -> list[_Span]:
    place = f'{path}: track {track.get("id")}'
    shapes = sorted(
        (whole(xml_attribute(shape, 'frame', place), place, 'frame'), i, shape)
        for i, shape in enumerate(track)
        if shape.tag != 'attribute'
    )
    frames = [frame for frame, _, _ in shapes]
    ends = [*frames[1:], max(stop, frames[-1] + step)] if frames else []
    return [
        (frame, end, _label(shape, track, attribute, f'{place}, frame {frame}'))
        for (frame, _, shape), end in zip(shapes, ends, strict=True)
        if shape.get('outside') != '1'
    ]


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


def _joined(spans: Iterable[_Span]) -> list[_Span]:
    joined: list[_Span] = []
    for start, end, label in sorted(spans, key=lambda span: (span[2], span[:2])):
        if joined and joined[-1][2] == label and start <= joined[-1][1]:
            first, before, _ = joined.pop()
            start, end = first, max(before, end)
        joined.append((start, end, label))
    return joined
