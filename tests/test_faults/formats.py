"""Every format that the package reads: a valid file of each, and what reads it.

A function that makes a valid file registers itself with what reads it. A reader, a
converter or a command that nothing here is about fails ``test_formats.py``.
"""

import gzip
import json
import pickle
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmskelseg.apis import SkelSegInferencer
from mmskelseg.checkpoints.reading import load_state_dict
from mmskelseg.datasets.inspection.report import report
from mmskelseg.datasets.inspection.sanity_checks import sanity_checks
from mmskelseg.datasets.inspection.summary import summarize
from mmskelseg.datasets.intervals import Interval, with_labels_in
from mmskelseg.encoders.store import load_features
from mmskelseg.engine.config_checks import building, check_config, read_config
from mmskelseg.engine.run_folder import RunFolder
from mmskelseg.evaluation.ensembles import average_dumps
from mmskelseg.evaluation.metrics import DumpPredictions
from mmskelseg.export.export import export_onnx
from mmskelseg.export.opening import trained_model
from mmskelseg.registry import MODELS
from mmskelseg.runtime import OnnxSegmenter
from mmskelseg_behaviour.commands import compare
from mmskelseg_behaviour.functional.report import summarize_runs
from mmskelseg_behaviour.groups import read_groups
from mmskelseg_io.commands import convert
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.files.video import VideoFile, read_frames, written_video
from mmskelseg_io.inputs import PoseInput
from mmskelseg_io.labels import label_format, read_segments
from mmskelseg_io.labels.bouts import read_prediction, to_bouts
from mmskelseg_io.labels.reading import reader_options
from mmskelseg_io.labels.segments import by_tier
from mmskelseg_io.labels.writing import EXPORTS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.objects import read_objects
from mmskelseg_io.places import Places, read_places
from mmskelseg_io.places.geojson import write_geojson
from mmskelseg_io.places.table import write_table
from mmskelseg_io.poses import Poses, read_poses, write_npz
from mmskelseg_io.poses.layouts import stated_layout
from mmskelseg_io.structures.places import Place
from mmskelseg_runtime.segmenting.exports import write_exports
from mmskelseg_runtime.segmenting.inputs import InputReader
from mmskelseg_runtime.segmenting.sources import find_sources
from tests import drawn_places
from tests.clip_files import compressed, in_3d, write
from tests.intervals import write_intervals
from tests.oracle import run_command
from tests.small_data import ROOT, TOY, small_annotations
from tests.test_converters import releases
from tests.test_labels import labs
from tests.test_objects import tools as things
from tests.test_poses import trackers

SAMPLES = ROOT / 'packages/io/tests/test_labels/samples'
FRAMES = 6


@dataclass(frozen=True)
class Format:
    """A format: what makes a valid file, and what reads it.

    Args:
        covers: The reader, converter or kind of file that this is about.
        kind: One of ``CODECS``; '' if the suffixes of its files tell.
        make: Writes a valid input into a folder and returns it: a file or a folder.
        read: Reads it.
        check: Raises an error for a result that cannot be.
        mutated: Which files of a folder are changed, one at a time.
        names: What a message may name in place of a file.
        cost: How many examples of others take as long as one.
    """

    covers: str
    kind: str
    make: Callable[[Path], Path]
    read: Callable[[Path], Any]
    check: Callable[[Any], object]
    mutated: str = ''
    names: tuple[str, ...] = ()
    cost: int = 1


FORMATS: dict[str, Format] = {}


def register(
    name: str,
    kind: str,
    read: Callable[[Path], Any],
    check: Callable[[Any], object] = lambda value: None,
    *,
    covers: str = '',
    mutated: str = '',
    names: tuple[str, ...] = (),
    cost: int = 1,
) -> Callable[[Callable[[Path], Path]], Callable[[Path], Path]]:
    """Register the function below as what makes a valid input of a format."""

    def add(make: Callable[[Path], Path]) -> Callable[[Path], Path]:
        assert name not in FORMATS, name
        FORMATS[name] = Format(
            covers or name, kind, make, read, check, mutated, names, cost
        )
        return make

    return add


# Labels.


def _check_labels(videos: Any) -> None:
    assert videos
    for video in videos:
        assert isinstance(video.name, str)
        for segment in video.segments:
            assert np.isfinite([segment.start, segment.end]).all(), segment
            assert segment.start <= segment.end, segment
            assert segment.label.strip() == segment.label != '', segment


def _sample(path: Path) -> None:
    def make(folder: Path) -> Path:
        return Path(shutil.copy(path, folder))

    def read(copy: Path) -> Any:
        return read_segments(copy, format, **options)

    format = label_format(path)
    options = {'fps': 25} if 'fps' in reader_options(format) else {}
    kind = {'.boris': 'json', '.json': 'json', '.eaf': 'xml', '.xml': 'xml'}
    register(
        f'labels/{path.name}',
        kind.get(path.suffix, 'rows'),
        read,
        _check_labels,
        covers=f'labels/{format}',
    )(make)


for path in sorted(SAMPLES.iterdir()):
    _sample(path)


@register('labels/csv', 'rows', read_segments, _check_labels)
def _csv_labels(folder: Path) -> Path:
    path = folder / 'take1.csv'
    lines = [
        'start,end,label,score',
        '0,1.5,walk,0.9',
        '1.5,2,"lift, up",',
        '2,6,walk,1',
    ]
    path.write_text('\n'.join(lines) + '\n')
    return path


@register('labels/boris.gz', 'packed json', read_segments, _check_labels)
def _packed_project(folder: Path) -> Path:
    path = folder / 'project.boris.gz'
    path.write_bytes(gzip.compress((SAMPLES / 'project.boris').read_bytes()))
    return path


def _lab(tool: str, kind: str) -> None:
    write, options = labs.TOOLS[tool]
    format = tool.partition(' ')[0]
    register(
        f'labels/{tool}',
        kind,
        lambda path: read_segments(path, format, **options),
        _check_labels,
        covers=f'labels/{format}',
    )(write)


for _tool in labs.TOOLS:
    _is_json = _tool.startswith(('jabs', 'calms21'))
    _is_table = _tool.startswith(('simba', 'deepethogram', 'solomon'))
    # A table is copied without its project.
    if _tool != 'simba':
        _lab(_tool, 'json' if _is_json else 'rows' if _is_table else '')


# Places.


def _check_places(found: Places) -> None:
    assert any(found.values())
    for video, places in found.items():
        assert isinstance(video, str)
        for one in places:
            assert one.name.strip(), one
            assert np.isfinite([*one.points.flat, one.radius]).all(), one


def _drawn(name: str, kind: str, file: str, write: Callable[[Path], object]) -> None:
    def make(folder: Path) -> Path:
        write(folder / file)
        return folder / file

    covers = f'places/{name.partition(" ")[0]}'
    register(f'places/{name}', kind, read_places, _check_places, covers=covers)(make)


def _places() -> Places:
    shapes = [('polygon', 0.0), ('circle', 3.5), ('line', 0.0), ('point', 0.0)]
    corners = np.array(drawn_places.NEST)
    return {
        '': [
            Place(shape, shape, corners[: 1 if shape in ('circle', 'point') else 4], r)
            for shape, r in shapes
        ]
    }


_drawn('geojson', 'json', 'a.geojson', lambda path: write_geojson(path, _places()))
_drawn('csv', 'rows', 'a.csv', lambda path: write_table(path, _places()))
_drawn('napari', 'rows', 'a.csv', lambda path: path.write_text(drawn_places.shapes()))
_drawn('simba', '', 'ROI_definitions.h5', drawn_places.simba)
for name, content in (
    ('via 2', drawn_places.via_2(drawn_places.VIA_2)),
    ('via 3', drawn_places.via_3()),
    ('label_studio', drawn_places.label_studio()),
):
    _drawn(name, 'json', 'a.json', lambda path, c=content: _write_json(path, c))


def _bouts(path: Path) -> Any:
    found = read_prediction(path)
    if found is None:
        raise UserError(f'{path}: a file of another tool.')
    count = sum(map(len, by_tier(found[1]).values()))
    return to_bouts(*found, str(path)).statistics(count)


def _check_bouts(statistics: Any) -> None:
    budget = statistics.budget
    assert budget.number.sum() == sum(map(len, statistics.durations))
    assert np.isfinite([*budget.total, budget.unlabelled]).all()


@register('bouts', 'json', _bouts, _check_bouts)
def _prediction(folder: Path) -> Path:
    segments = [
        {'start': 0, 'end': 1.5, 'label': 'walk'},
        {'start': 2, 'end': 4, 'label': 'lift'},
    ]
    content = {'frame_dir': 'a', 'fps': 2, 'total_frames': 9, 'segments': segments}
    content['classes'] = ['walk', 'lift', 'hold']
    return _write_json(folder / 'segments.json', content)


def _read_groups(path: Path) -> Any:
    return read_groups(path, {'a', 'b', 'c'})


def _check_groups(groups: Any) -> None:
    assert groups.keys() == {'a', 'b', 'c'}
    assert all(one.group and one.individual for one in groups.values())


@register('groups', 'rows', _read_groups, _check_groups)
def _groups(folder: Path) -> Path:
    path = folder / 'groups.csv'
    path.write_text('video,group,individual\na,x,1\nb,x,1\nc,y,2\n')
    return path


# Objects.


def _objects(path: Path) -> Any:
    return [video.tracked(FRAMES, 25, (200, 400)) for video in read_objects(path)]


def _check_objects(videos: Any) -> None:
    for one in (one for video in videos for one in video):
        assert one['points'].shape == (FRAMES, one['score'].shape[1], 2)
        assert np.isfinite(one['points']).all()
        assert np.isfinite(one['score']).all()
        assert (one['score'] >= 0).all()


def _file_of_objects(
    name: str, kind: str, make: Callable[[Path], Path], mutated: str = ''
) -> None:
    covers = f'objects/{name.partition(" ")[0]}'
    add = register(
        f'objects/{name}',
        kind,
        _objects,
        _check_objects,
        covers=covers,
        mutated=mutated,
    )
    add(make)


for _name, _kind in (
    ('coco', 'json'),
    ('mot', 'rows'),
    ('cvat', 'xml'),
    ('via', 'json'),
):
    _file_of_objects(_name, _kind, things.ALL[_name])
_file_of_objects('coco results', 'json', things.coco_results)
_file_of_objects('via 2', 'json', things.via2)
_file_of_objects('mmdet', 'json', things.mmdet, '*.json')
_file_of_objects('yolo', 'text', things.yolo, '*.txt')
_file_of_objects('yolo classes', 'text', things.yolo, '../data.yaml')
_file_of_objects('deeplabcut', 'rows', lambda folder: things.deeplabcut(folder)[0])


# Poses.


def _check_poses(poses: Any) -> None:
    assert isinstance(poses, Poses)
    assert np.isfinite(poses.keypoint).all()
    assert np.isfinite(poses.keypoint_score).all()
    assert (poses.keypoint_score >= 0).all()


def _poses(name: str, kind: str, *, mutated: str = '', **options: Any) -> Any:
    format = name.partition(' ')[0]
    return register(
        f'poses/{name}',
        kind,
        lambda path: read_poses(path, format, **options),
        _check_poses,
        covers=f'poses/{format}',
        mutated=mutated,
    )


def _walk() -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.uniform((100, 50, 0.5), (160, 250, 1), (FRAMES, 17, 3)).round(3)


def _write_json(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


@_poses('mmpose', 'json')
def _mmpose(folder: Path) -> Path:
    return _write_json(folder / 'take1.json', trackers.mmpose(_walk()))


@_poses('openpose', 'json', mutated='*.json')
def _openpose(folder: Path) -> Path:
    for i, person in enumerate(_walk()):
        # BODY_25, of which all but 17 joints are missing.
        people = [np.pad(person, ((0, 8), (0, 0)))]
        trackers.openpose(folder / 'take1', i, people)
    return folder / 'take1'


@_poses('coco', 'json')
def _coco(folder: Path) -> Path:
    return _write_json(folder / 'take1.json', trackers.coco(_walk(), track_id=1))


def _landmarks() -> np.ndarray:
    rng = np.random.default_rng(4)
    return rng.uniform(0.1, 0.9, (FRAMES, 33, 4)).round(4)


@_poses('mediapipe json', 'json')
def _mediapipe_json(folder: Path) -> Path:
    people = map(trackers.landmarks, _landmarks().tolist())
    frames = [{'landmarks': person} for person in people]
    content = {'width': 640, 'height': 480, 'fps': 25.0, 'frames': frames}
    return _write_json(folder / 'take1.json', content)


@_poses('mediapipe csv', 'rows', img_shape=(480, 640))
def _mediapipe_csv(folder: Path) -> Path:
    lines = ['frame,landmark,x,y,visibility']
    for t, person in enumerate(_landmarks()):
        lines += [f'{t},{i},{p[0]},{p[1]},{p[3]}' for i, p in enumerate(person)]
    path = folder / 'take1.csv'
    path.write_text('\n'.join(lines) + '\n')
    return path


@_poses('mediapipe npz', 'npz', img_shape=(480, 640))
def _mediapipe_npz(folder: Path) -> Path:
    np.savez(folder / 'take1.npz', landmarks=_landmarks())
    return folder / 'take1.npz'


@_poses('deeplabcut csv', 'rows')
def _deeplabcut_csv(folder: Path) -> Path:
    values = _walk()[:, :3].reshape(FRAMES, 9)
    return trackers.deeplabcut(folder / 'take1DLC.csv', values)


def _deeplabcut_hdf5(kind: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        values = _walk()[:, :3].reshape(FRAMES, 9)
        return trackers.deeplabcut(folder / 'take1DLC.h5', values, kind)

    return make


_poses('deeplabcut table', 'hdf5')(_deeplabcut_hdf5('table'))
_poses('deeplabcut fixed', 'hdf5')(_deeplabcut_hdf5('fixed'))


@_poses('sleap', 'hdf5')
def _sleap(folder: Path) -> Path:
    tracks = _walk()[None, :, :3, :2]
    edges = np.array([[0, 1], [0, 2]])
    return trackers.sleap(folder / 'take1.analysis.h5', tracks, edge_inds=edges)


@_poses('nwb', 'hdf5')
def _nwb(folder: Path) -> Path:
    times = np.arange(FRAMES) / 25
    return trackers.nwb(folder / 'take1.nwb', _walk()[:, :3], times, [[0, 1]])


register('labels/nwb', 'hdf5', read_segments, _check_labels)(_nwb)


@_poses('movement', 'bytes')
def _movement(folder: Path) -> Path:
    return trackers.netcdf(folder / 'take1.nc', _walk()[:, :3])


@register('labels/movement', 'bytes', read_segments, _check_labels)
def _movement_labels(folder: Path) -> Path:
    label = np.repeat([0, 1], [2, FRAMES - 2])[:, None]
    changes = {
        'behaviour': (('time', 'individuals'), label),
        'classes': ['walk', 'lift'],
    }
    return trackers.netcdf(folder / 'take1.nc', _walk()[:, :3], **changes)


@_poses('csv long', 'rows')
def _long_table(folder: Path) -> Path:
    lines = ['frame,person,joint,x,y,score']
    for t, person in enumerate(_walk()[:, :3]):
        lines += [f'{t},ann,joint{i},{x},{y},{s}' for i, (x, y, s) in enumerate(person)]
    path = folder / 'take1.csv'
    path.write_text('\n'.join(lines) + '\n')
    return path


@_poses('csv wide', 'rows')
def _wide_table(folder: Path) -> Path:
    lines = ['frame' + ''.join(f',{j}_x,{j}_y,{j}_score' for j in ('nose', 'tail'))]
    for t, person in enumerate(_walk()):
        lines.append(','.join([str(t), *map(str, person[:2].ravel())]))
    path = folder / 'take1.csv'
    path.write_text('\n'.join(lines) + '\n')
    return path


@_poses('simba', 'rows')
def _simba(folder: Path) -> Path:
    return labs.simba_alone(folder)


@_poses('calms21', 'json')
def _calms21(folder: Path) -> Path:
    return labs.calms21(folder, frames=FRAMES)


def _jabs(**more: Any) -> Callable[[Path], Path]:
    points = np.arange(FRAMES * 2 * 12 * 2).reshape(FRAMES, 2, 12, 2)
    return lambda folder: trackers.jabs(folder / 'a_pose_est.h5', points, **more)


_ids = np.tile([1, 2], (FRAMES, 1))
_poses('jabs', 'hdf5')(_jabs(instance_embed_id=_ids, id_mask=_ids * 0))
_poses('jabs tracks', 'hdf5')(_jabs(instance_track_id=_ids, instance_count=_ids[:, 1]))


@_poses('npz', 'npz')
def _npz(folder: Path) -> Path:
    walk = _walk()[None, :, :3]
    layout = {'joints': ['nose', 'hip', 'tail'], 'limbs': [[0, 1], [1, 2]]}
    poses = Poses(
        walk[..., :2], walk[..., 2], layout, (480, 640), 25.0, ('ann',),
        person_score=walk[..., 2].mean(-1), person_box=np.ones((1, FRAMES, 4)),
        notes=('a note',),
    )  # fmt: skip
    write_npz(poses, folder / 'take1.npz')
    return folder / 'take1.npz'


# What the package itself writes, and others may have changed.


@register('annotations', 'pickle', load_annotations)
def _annotations(folder: Path) -> Path:
    save_annotations(small_annotations((8, 7, 9)), folder / 'annotations.pkl')
    return folder / 'annotations.pkl'


@register('clips', 'pickle', load_annotations, covers='annotations')
def _clips(folder: Path) -> Path:
    return write(in_3d(), folder / 'clips.pkl')


@register('clips, compressed', 'pickle', load_annotations, covers='annotations')
def _compressed_clips(folder: Path) -> Path:
    return write(compressed(), folder / 'clips.pkl')


def _summary(path: Path) -> Any:
    """Read annotations, and all that a browser shows of them."""
    data = load_annotations(path)
    summary = summarize(data, path.parent)
    return report(str(path), summary, sanity_checks(data, path.parent))


register('annotations, browsed', 'pickle', _summary, covers='annotations')(_annotations)


def _labelled(path: Path) -> Any:
    """Keep the labels in the intervals of a file, as a config's ``labelled`` does."""
    return with_labels_in(small_annotations((8, 7, 9))['annotations'], path)


def _check_labelled(videos: Any) -> None:
    assert videos
    assert all((video['label'] >= 0).any() for video in videos)


@register('stretches', 'json', _labelled, _check_labelled)
def _intervals(folder: Path) -> Path:
    path = folder / 'suggestions.json'
    write_intervals(path, [Interval('video_0', 2, 6), Interval('video_2', 0, 9)])
    return path


def _average(path: Path) -> Any:
    return average_dumps([path, path.with_name('other.pkl')])


@register('predictions', 'pickle', _average)
def _predictions(folder: Path) -> Path:
    for name in ('dump.pkl', 'other.pkl'):
        dump = DumpPredictions(str(folder / name))
        dump.dataset_meta = {'classes': ['walk', 'lift'], 'background': None}
        score = torch.full((2, 5), 0.5)
        label = torch.tensor([0, 0, 1, 1, 1])
        sample = {'pred_score': score, 'pred_label': label, 'gt_label': label}
        dump.process(None, [{'frame_dir': 'a', **sample}])
        dump.compute_metrics(dump.results)
    return folder / 'dump.pkl'


def _load_features(path: Path) -> Any:
    return np.array(load_features(path))


def _check_features(features: np.ndarray) -> None:
    assert features.dtype.kind == 'f'


@register('features', 'npy', _load_features, _check_features)
def _features(folder: Path) -> Path:
    np.save(folder / 'a.npy', np.ones((4, 3), np.float32))
    return folder / 'a.npy'


def _small_config() -> Any:
    cfg = read_config(TOY)
    cfg.merge_from_dict({'model.num_classes': 3, 'model.branches.heatmap.channels': 4})
    return cfg


def _load_model(path: Path) -> Any:
    """Load a checkpoint by the config in it."""
    with trained_model(None, path) as trained:
        return trained.model, trained.metainfo


@register('checkpoint', 'torch', _load_model)
def _checkpoint(folder: Path) -> Path:
    cfg = _small_config()
    meta = {'cfg': cfg.pretty_text, 'seed': 3, 'epoch': 2, 'iter': 8}
    meta['dataset_meta'] = small_annotations()['metainfo']
    state = MODELS.build(cfg.model).state_dict()
    torch.save({'meta': meta, 'state_dict': dict(state)}, folder / 'epoch_2.pth')
    return folder / 'epoch_2.pth'


@register('weights', 'torch', load_state_dict)
def _weights(folder: Path) -> Path:
    torch.save({'a.weight': torch.ones(2, 3), 'b': torch.zeros(4)}, folder / 'net.pth')
    return folder / 'net.pth'


def _check_config(path: Path) -> Any:
    cfg = read_config(path)
    check_config(cfg, str(path))
    with building(str(path)):
        return MODELS.build(cfg.model)


@register('config', 'config', _check_config)
def _config(folder: Path) -> Path:
    _small_config().dump(folder / 'mine.py')
    return folder / 'mine.py'


def _read_skeleton(path: Path) -> Any:
    return stated_layout(str(path))


@register('skeleton', 'json', _read_skeleton)
def _skeleton(folder: Path) -> Path:
    layout = {'joints': ['a', 'b', 'c'], 'limbs': [['a', 'b'], [1, 2]], 'name': 'mine'}
    return _write_json(folder / 'layout.json', layout)


def _compare(path: Path) -> Any:
    return run_command(compare.main, path, path.with_name('other.json'))


@register('cross-validation', 'json', _compare)
def _cross_validation(folder: Path) -> Path:
    scores = {'acc': 50.0, 'edit': 40.0, 'f1@10': 30.0, 'f1@25': 20.0, 'f1@50': 10.0}
    scores |= {'mAP': 60.0}
    for name in ('one', 'other'):
        report = {'metrics': scores, 'per_video': {'a': scores, 'b': scores}}
        runs = {('f', seed): report for seed in (0, 1)}
        content = {
            'config': f'{name}.py',
            **summarize_runs(runs),
            'runs': [{'fold': f, 'seed': s, **r} for (f, s), r in runs.items()],
        }
        _write_json(folder / f'{name}.json', content)
    return folder / 'one.json'


def _scores(path: Path) -> Any:
    return RunFolder(path.parent).report()


@register('scores', 'json', _scores)
def _metrics(folder: Path) -> Path:
    content = {
        'seg/acc': 50.0,
        'per_video': {'a': {'acc': 50.0}},
        'classes': ['walk'],
        'conventions': {'average': 'pooled'},
    }
    return _write_json(folder / 'metrics.json', content)


def _run_exported(path: Path) -> Any:
    keypoint = np.ones((1, 12, 17, 2), np.float32)
    return OnnxSegmenter(path)({'keypoint': keypoint, 'fps': 25.0})


@register('exported model', 'onnx', _run_exported)
def _exported(folder: Path) -> Path:
    made = _checkpoint(folder)
    export_onnx(None, made, folder / 'model.onnx')
    made.unlink()
    return folder / 'model.onnx'


def _read_entry(path: Path) -> Any:
    """Make an input of a model from an entry, as Python's users give it."""
    try:
        entry = pickle.loads(path.read_bytes())
    except Exception:
        return []
    # A text would be the path of a file.
    if not isinstance(entry, dict):
        return []
    entry = {**entry, 'frame_dir': 'entry'}
    reader = InputReader('coco17', ('walk',), True, False, Poses, PoseInput())
    return [video for s in find_sources(entry) for video in reader.read(s)]


def _check_entry(videos: Any) -> None:
    for video in videos:
        assert np.isfinite(video['keypoint']).all()
        assert video['keypoint'].shape[1] == video['total_frames']


@register('entry', 'pickle', _read_entry, _check_entry)
def _entry(folder: Path) -> Path:
    video = small_annotations((8,))['annotations'][0]
    entry = {**video, 'keypoint_3d': np.ones((1, 8, 17, 3)), 'skeleton': 'coco17'}
    del entry['frame_dir']
    path = folder / 'entry.pkl'
    path.write_bytes(pickle.dumps(entry))
    return path


@cache
def _inferencer() -> Any:
    """Return an inferencer with a small model of the COCO joints, made once."""
    folder = Path(tempfile.mkdtemp(prefix='mmskelseg-fuzz-'))
    return SkelSegInferencer(None, _checkpoint(folder), 'cpu')


def _segment(path: Path) -> Any:
    """Segment a file of poses, and write every kind of export."""
    (prediction,) = _inferencer()(path)['predictions']
    there = [name for name, export in EXPORTS.items() if export.is_there]
    files = write_exports(prediction, path.parent / 'out', there)
    return prediction, files


def _check_segments(result: Any) -> None:
    prediction, files = result
    assert np.isfinite(prediction['pred_score']).all()
    for segment in prediction['segments']:
        assert 0 <= segment['start'] < segment['end'], segment
    assert all(file.stat().st_size for file in files)


def _person(folder: Path) -> Path:
    walk = _walk()[None]
    poses = Poses(walk[..., :2], walk[..., 2], 'coco17', (240, 320), 25.0, ('ann',))
    write_npz(poses, folder / 'take1.npz')
    return folder / 'take1.npz'


def _loaded(make: Callable[[Path], Path]) -> Callable[[Path], Path]:
    """Load what exports need, before memory is bounded, which breaks imports."""

    def load(folder: Path) -> Path:
        for name in ('h5netcdf', 'ndx_pose', 'pyarrow.parquet', 'xarray'):
            with suppress(ModuleNotFoundError):
                import_module(name)
        return make(folder)

    return load


for made, kind in ((_person, 'npz'), (_mediapipe_json, 'json')):
    name = f'segment ({made.__name__[1:]})'
    register(name, kind, _segment, _check_segments)(_loaded(made))


def _read_video(path: Path) -> Any:
    file = VideoFile.open(path)
    return file, sum(1 for _ in read_frames(path))


@register('video', 'bytes', _read_video)
def _video(folder: Path) -> Path:
    with written_video(folder / 'take1.mp4', 10, (48, 64)) as put:
        for i in range(12):
            put(np.full((48, 64, 3), 20 * i, np.uint8))
    return folder / 'take1.mp4'


# Releases, one file of which is changed.


def _convert(name: str, *before: str, after: tuple[str, ...] = ()) -> Any:
    def read(path: Path) -> None:
        out = path.parent / 'out'
        try:
            run_command(convert.main, name, *before, path, out, *after)
        except BaseException:
            assert not (out / 'annotations.pkl').exists()
            raise
        load_annotations(out / 'annotations.pkl')

    return read


def _release(name: str, kind: str, mutated: str, *before: str, **options: Any) -> Any:
    return register(
        f'{name} ({mutated})',
        kind,
        _convert(name, *before, **options),
        covers=f'converters/{name}',
        mutated=mutated,
    )


for pattern, kind in (('*.npy', 'npy'), ('*.txt', 'rows'), ('*.bundle', 'rows')):
    _release('common_layout', kind, pattern, 'import', after=('--fps', '15'))(
        releases.common_layout
    )
for pattern in ('coords/*.csv', 'annots/*.csv'):
    _release('subtle', 'rows', pattern)(releases.subtle)
_release('precog', 'rows', '*.csv')(releases.precog)
_release('calms21', 'json', '*.json')(releases.calms21)
for pattern, kind in (('*.npy', 'npy'), ('*.txt', 'rows')):
    _release('dest', kind, pattern, 'import')(lambda folder: releases.dest(folder)[0])
    _release('tum_kitchen', kind, pattern)(releases.tum_kitchen)
    _release('uwiom', kind, pattern, after=('--test', '03'))(
        lambda folder: releases.uwiom(folder / 'release')
    )
for pattern, kind in (('*.npy', 'npy'), ('2020-*-25', 'rows')):
    _release('desktop_assembly', kind, pattern)(releases.desktop_assembly)


def _keypoints(folder: Path) -> Path:
    source = folder / 'source'
    source.mkdir()
    for name in ('take1', 'take2'):
        for make, part in ((_long_table, 'poses'), (_csv_labels, 'labels')):
            (source / part).mkdir(exist_ok=True)
            make(folder).rename(source / part / f'{name}.csv')
    return source


def _read_keypoints(path: Path) -> None:
    out = path.parent / 'out'
    options = ('--fps', '1', '--unlabelled', 'ignore')
    words = (path / 'poses', out, '--labels', path / 'labels', *options)
    run_command(convert.main, 'keypoints', *words)
    load_annotations(out / 'annotations.pkl')


for part in ('poses', 'labels'):
    register(
        f'keypoints ({part})',
        'rows',
        _read_keypoints,
        covers='converters/keypoints',
        mutated=f'{part}/*.csv',
    )(_keypoints)


def _cut(path: Path) -> None:
    out = path.parent / 'clips.pkl'
    run_command(convert.main, 'clips', path, out, '--min-frames', '1')
    load_annotations(out)


@register('annotations to cut', 'pickle', _cut, covers='converters/clips')
def _annotations_to_cut(folder: Path) -> Path:
    return _annotations(folder)
