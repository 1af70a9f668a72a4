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
from mmskelseg_io.labels.reading import EACH_SUBJECT, LABEL_FORMATS, reader_options
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
_SEGMENT = 'segment {} MODEL --out out'
_USE = 'segment INPUT {} --out out'
# What is known of a file, in rows, and the commands that can use it, named by {}.
Kind: TypeAlias = tuple[dict[str, str], list[str]]


def described(path: Path) -> str:
    """Return what a file is, and the commands that can use it, as text.

    Of a folder, it is the first video, or file of poses or labels, that is read.

    Raises:
        UserError: If it is none that any command reads, or is faulty.
    """
    rows, commands = _kind(path)
    lines = [f'{name:12}{text}' for name, text in {'file': str(path), **rows}.items()]
    folder = path if path.is_dir() else path.parent
    for place, named in (('{folder}', folder), ('{}', path)):
        commands = [one.replace(place, shlex.quote(str(named))) for one in commands]
    return '\n'.join([*lines, '', 'Next:', *(f'  mmskelseg {one}' for one in commands)])


def _kind(path: Path) -> Kind:
    if not path.exists():
        raise MissingFileError(f'{path}: there is no such file or folder.')
    if path.suffix in ('.pkl', '.pickle'):
        return _annotations(path)
    if path.suffix == '.py':
        return {'kind': 'config'}, ['train {}', 'test {}', _USE]
    models = ('.onnx', '.pth', '.safetensors')
    if path.suffix in models or (path / 'model.onnx').is_file():
        return {'kind': 'trained model'}, [_USE]
    files = sorted(one for one in path.glob('[!.]*') if one.is_file())
    refused = []
    for one in (path, *files):
        try:
            rows, commands = _recording(one)
        except UserError as error:
            refused.append(error)
        else:
            such = f'{one.name}, one of {counted(len(files), "file")}'
            return rows if one == path else {'such as': such, **rows}, commands
    # What is wrong in a file says more than that a folder is none that is known.
    raise refused[:2][-1]


def _recording(path: Path) -> Kind:
    """Return what a video, poses or labels are."""
    if is_video(path):
        return _video(path)
    reasons = []
    for read in (_labels, _poses):
        try:
            return read(path)
        except UserError as error:
            reasons.append(str(error).removeprefix(f'{path}: ').rstrip('.'))
    labels, poses = reasons
    raise UserError(
        f'{path}: is read neither as labels ({labels}) nor as poses ({poses}).'
    )


def _annotations(path: Path) -> Kind:
    data = load_annotations(path)
    rows = overview(str(path), summarize(data, path.parent))
    assumed, classes = data['metainfo'].get('assumed', {}), data['metainfo']['classes']
    in_3d = all('keypoint_3d' in video for video in data['annotations'])
    in_2d = not only_in_3d(data['metainfo'])
    return {
        'kind': f'annotation file: {_parts(data)}',
        'length': rows['videos'].partition(', ')[2],
        **{name: rows[name] for name in _SHOWN},
        'joints': ' and '.join(['in 2D'] * in_2d + ['in 3D'] * in_3d),
        'classes': f'{len(classes)}: {listed(classes, 8)}',
        'splits': ', '.join(f'{k} ({len(v)})' for k, v in data['split'].items()),
        'assumed': ', '.join(f'{k}: {v}' for k, v in assumed.items()) or 'nothing',
    }, [*_for_annotations(data)]


def _parts(data: AnnotationFile) -> str:
    """Return how many videos are clips, and how many are recordings."""
    actions = [one_action(video['label']) for video in data['annotations']]
    clips = sum(action is not None for action in actions)
    parts = {'clip': clips, 'recording': len(actions) - clips}
    words = {'clip': ' of one class each', 'recording': ''}
    return ' and '.join(counted(n, k) + words[k] for k, n in parts.items() if n)


def _for_annotations(data: AnnotationFile) -> Iterator[str]:
    yield 'browse {}'
    if any((video['label'] != IGNORED).any() for video in data['annotations']):
        yield 'fit {} --out model'
        for i, (train, test) in enumerate(folds_of(data['split']).values()):
            words = f' --train {train} --test {test}' if i else ''
            yield f'make-config {{}} mine.py{words}'
    if 'recording' in _parts(data):
        yield 'convert clips {} clips.pkl'
    yield _SEGMENT


def _video(path: Path) -> Kind:
    video = VideoFile.open(path)
    return {
        'kind': 'video',
        'length': f'{video.seconds:.1f} s, {counted(video.frames, "frame")}',
        'fps': f'{video.fps:g}',
        'image': '{1}x{0}'.format(*video.img_shape),
    }, ['poses {} --out poses', _SEGMENT, 'studio {folder}']


def _poses(path: Path) -> Kind:
    poses = read_poses(path)
    persons, frames = poses.keypoint.shape[:2]
    skeleton = Skeleton.get(poses.skeleton)
    return {
        'kind': f'poses in the format {POSE_FORMATS.recognise(path)}',
        'length': counted(frames, 'frame'),
        'fps': 'not stated' if poses.fps is None else f'{poses.fps:g}',
        'persons': str(persons),
        'skeleton': f'{skeleton.name}, {skeleton.num_joints} joints',
        'notes': '; '.join(poses.notes) or 'none',
    }, [_SEGMENT, 'convert keypoints {} data/mine --labels LABELS', 'studio {folder}']


def _labels(path: Path) -> Kind:
    kind = LABEL_FORMATS.recognise(path)
    subject = EACH_SUBJECT if 'subject' in reader_options(kind) else None
    videos = read_segments(path, subject=subject)
    segments = [one for video in videos for one in video.segments]
    names = sorted({one.label for one in segments})
    who = sorted({one.individual for one in segments} - {''})
    return {
        'kind': f'labels in the format {kind}',
        'videos': str(len(videos)),
        'individuals': listed(who, 8),
        'segments': f'{len(segments):,}',
        'classes': f'{len(names)}: {listed(names, 8)}',
    }, [
        'convert keypoints POSES data/mine --labels {}' + ' --person each' * bool(who),
        'bouts {}',
    ]
