"""What a file is, and which commands can use it."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from mmskelseg.datasets.inspection.report import overview
from mmskelseg.datasets.inspection.summary import summarize
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.files.video import VideoFile, is_video
from mmskelseg_io.labels import read_segments
from mmskelseg_io.labels.reading import LABEL_FORMATS
from mmskelseg_io.messages.counts import counted, listed
from mmskelseg_io.messages.errors import MissingFileError, UserError
from mmskelseg_io.poses.reading import POSE_FORMATS, read_poses
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import AnnotationFile
from mmskelseg_io.structures.bodies import only_in_3d
from mmskelseg_io.structures.clips import one_action
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_io.structures.splits import folds_of

# The rows of the overview that say what can be learned.
_SHOWN = ('skeleton', 'persons', 'fps', 'segments', 'background', 'unlabelled')
_MODELS = ('.onnx', '.pth', '.safetensors')
# What is known of a file, in rows, and the commands that can use it.
Kind: TypeAlias = tuple[dict[str, str], list[str]]


def described(path: Path) -> str:
    """Return what a file is, and the commands that can use it, as text.

    Raises:
        UserError: If it is none that any command reads, or is faulty.
    """
    rows, commands = _kind(path)
    lines = [f'{name:12}{text}' for name, text in {'file': str(path), **rows}.items()]
    return '\n'.join([*lines, '', 'Next:', *(f'  {line}' for line in commands)])


def _kind(path: Path) -> Kind:
    if not path.exists():
        raise MissingFileError(f'{path}: there is no such file or folder.')
    if path.suffix in ('.pkl', '.pickle'):
        return _annotations(path)
    if is_video(path):
        return _video(path)
    if path.suffix == '.py':
        return {'kind': 'config'}, [
            f'mmskelseg train {shlex.quote(str(path))}',
            f'mmskelseg test {shlex.quote(str(path))}',
            f'mmskelseg segment INPUT {shlex.quote(str(path))} --out out',
        ]
    if path.suffix in _MODELS or (path / 'model.onnx').is_file():
        return _model(path)
    reasons = []
    for read in (_labels, _poses):
        try:
            return read(path)
        except UserError as error:
            reasons.append(str(error).removeprefix(f'{path}: '))
    raise UserError(
        f'{path}: is read neither as labels ({reasons[0].rstrip(".")}) nor as poses '
        f'({reasons[1].rstrip(".")}).'
    )


def _annotations(path: Path) -> Kind:
    data = load_annotations(path)
    summary = summarize(data, path.parent)
    rows = overview(str(path), summary)
    assumed = data['metainfo'].get('assumed', {})
    in_3d = all('keypoint_3d' in video for video in data['annotations'])
    in_2d = not only_in_3d(data['metainfo'])
    return {
        'kind': f'annotation file: {_parts(data)}',
        'length': rows['videos'].partition(', ')[2],
        **{name: rows[name] for name in _SHOWN},
        'joints': ' and '.join(['in 2D'] * in_2d + ['in 3D'] * in_3d),
        'classes': f'{len(data["metainfo"]["classes"])}: '
        f'{listed(data["metainfo"]["classes"], 8)}',
        'splits': ', '.join(f'{k} ({len(v)})' for k, v in data['split'].items()),
        'assumed': ', '.join(f'{k}: {v}' for k, v in assumed.items()) or 'nothing',
    }, [*_for_annotations(data, shlex.quote(str(path)))]


def _parts(data: AnnotationFile) -> str:
    """Return how many videos are clips, and how many are recordings."""
    actions = [one_action(video['label']) for video in data['annotations']]
    clips = sum(action is not None for action in actions)
    parts = {'clip': clips, 'recording': len(actions) - clips}
    words = {'clip': ' of one class each', 'recording': ''}
    return ' and '.join(counted(n, k) + words[k] for k, n in parts.items() if n)


def _for_annotations(data: AnnotationFile, path: str) -> Iterator[str]:
    yield f'mmskelseg browse {path}'
    if any((video['label'] != IGNORED).any() for video in data['annotations']):
        yield f'mmskelseg fit {path} --out model'
        for i, (train, test) in enumerate(folds_of(data['split']).values()):
            words = f' --train {train} --test {test}' if i else ''
            yield f'mmskelseg make-config {path} mine.py{words}'
    if 'recording' in _parts(data):
        yield f'mmskelseg convert clips {path} clips.pkl'
    yield f'mmskelseg segment {path} MODEL --out out'


def _video(path: Path) -> Kind:
    video, name = VideoFile.open(path), shlex.quote(str(path))
    return {
        'kind': 'video',
        'length': f'{video.seconds:.1f} s, {counted(video.frames, "frame")}',
        'fps': f'{video.fps:g}',
        'image': '{1}x{0}'.format(*video.img_shape),
    }, [
        f'mmskelseg poses {name} --out poses',
        f'mmskelseg segment {name} MODEL --out out',
        f'mmskelseg studio {shlex.quote(str(path.parent))}',
    ]


def _poses(path: Path) -> Kind:
    poses, name = read_poses(path), shlex.quote(str(path))
    persons, frames = poses.keypoint.shape[:2]
    skeleton = Skeleton.get(poses.skeleton)
    return {
        'kind': f'poses in the format {POSE_FORMATS.recognise(path)}',
        'length': counted(frames, 'frame'),
        'fps': 'not stated' if poses.fps is None else f'{poses.fps:g}',
        'persons': str(persons),
        'skeleton': f'{skeleton.name}, {skeleton.num_joints} joints',
        'notes': '; '.join(poses.notes) or 'none',
    }, [
        f'mmskelseg segment {name} MODEL --out out',
        f'mmskelseg convert keypoints {name} data/mine --labels LABELS',
        f'mmskelseg studio {shlex.quote(str(path.parent))}',
    ]


def _labels(path: Path) -> Kind:
    videos, name = read_segments(path), shlex.quote(str(path))
    names = sorted({one.label for video in videos for one in video.segments})
    count = sum(len(video.segments) for video in videos)
    return {
        'kind': f'labels in the format {LABEL_FORMATS.recognise(path)}',
        'videos': str(len(videos)),
        'segments': f'{count:,}',
        'classes': f'{len(names)}: {listed(names, 8)}',
    }, [
        f'mmskelseg convert keypoints POSES data/mine --labels {name}',
        f'mmskelseg bouts {name}',
    ]


def _model(path: Path) -> Kind:
    name = shlex.quote(str(path))
    return {'kind': 'trained model'}, [f'mmskelseg segment INPUT {name} --out out']
