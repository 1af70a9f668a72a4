"""Pickles of trimmed clips, read as annotation files, and cut from them."""

import pickle

import numpy as np
import pytest

from mmskelseg_io.converters.clips import ConvertClips, cut_clips
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.jobs.events import PrintedEvents
from tests.clip_files import CLIPS, compressed, in_2d, in_3d, splits, write
from tests.errors import assert_names, raises_naming
from tests.small_data import small_annotations


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'ntu60_hrnet.pkl'


def first(path):
    return load_annotations(path)['annotations'][0]


def test_label_of_a_clip_is_that_of_its_frames_and_assumptions_are_said(path, logged):
    data = load_annotations(write(in_2d(), path))
    assert [v['frame_dir'] for v in data['annotations']] == [name for name, _ in CLIPS]
    for video, (_, k) in zip(data['annotations'], CLIPS, strict=True):
        np.testing.assert_array_equal(video['label'], [k] * video['total_frames'])
    assert data['split'] == splits()
    assert data['annotations'][0]['fps'] == 30
    assert data['annotations'][0]['person'] == 'P001'
    assert data['metainfo']['skeleton'] == 'coco17'
    assert data['metainfo']['classes'] == ['class 0', 'class 1', 'class 2']
    load_annotations(path)
    (record,) = logged.records
    assert_names(record.getMessage(), path, '24 clips | fps 30 | coco17 | 0 to 2')
    # It is an annotation file from now on.
    save_annotations(data, path)
    assert load_annotations(path)['metainfo'] == data['metainfo']
    assert len(logged.records) == 1


def test_joints_in_3d_get_a_view_and_an_absent_person_none(path):
    data = load_annotations(write(in_3d(), path))
    video, stored = data['annotations'][0], in_3d()['annotations'][0]['keypoint'][:1]
    np.testing.assert_array_equal(video['keypoint_3d'], stored)
    assert video['keypoint'].shape == (*stored.shape[:3], 2)
    assert (video['keypoint_score'] == 1).all()
    # Up in metres is up in the image.
    highest = stored[0, 0, :, 1].argmax()
    assert video['keypoint'][0, 0, highest, 1] == video['keypoint'][0, 0, :, 1].min()
    assert data['metainfo']['skeleton'] == 'kinect25'


def test_listed_skeletons_become_persons(path):
    video, listed = first(write(compressed(), path)), compressed()[0]
    frames = video['total_frames']
    there = (video['keypoint_score'] > 0).all(2)
    assert there[0].tolist() == [i != 2 for i in range(frames)]
    assert there[1].tolist() == [i == 4 for i in range(frames)]
    np.testing.assert_array_equal(
        video['keypoint'][0, 3], listed['keypoint'][2, :, :2].astype(np.float32)
    )
    assert not {'frame_inds', 'box_score', 'valid'} & video.keys()


def test_file_without_splits_has_one_of_all(path):
    names = [name for name, _ in CLIPS]
    assert load_annotations(write(compressed(), path))['split'] == {'all': names}
    one = in_2d()['annotations'][0]
    assert load_annotations(write(one, path))['split'] == {'all': names[:1]}


def test_clips_may_lack_labels_persons_and_scores_and_be_padded(path):
    lost, padded = in_2d()['annotations'][:2]
    del lost['label'], lost['img_shape']
    lost['keypoint'] = lost['keypoint'][:0]
    lost['keypoint_score'] = lost['keypoint_score'][:0]
    del padded['keypoint_score']
    padded['total_frames'] = 10
    padded['keypoint'][0, 3, 5] = 0
    lost, padded = load_annotations(write([lost, padded], path))['annotations']
    assert (lost['label'] == -1).all()
    assert lost['keypoint'].shape[0] == 1
    assert not lost['keypoint_score'].any()
    assert lost['img_shape'] == (1080, 1920)
    assert padded['keypoint'].shape[1] == len(padded['label']) == 10
    assert np.argwhere(padded['keypoint_score'] == 0).tolist() == [[0, 3, 5]]


@pytest.mark.parametrize(
    ('files', 'classes'),
    [
        (['label_map.txt'], ['drink', 'eat', 'brush']),
        (['label_map_ntu60.txt', 'label_map_gym.txt'], ['drink', 'eat', 'brush']),
        (['label_map_a.txt', 'label_map_b.txt'], ['class 0', 'class 1', 'class 2']),
    ],
)
def test_classes_are_named_by_a_file_beside(files, classes, path):
    for file in files:
        (path.parent / file).write_text('drink\neat\nbrush\n')
    assert load_annotations(write(in_2d(), path))['metainfo']['classes'] == classes


def test_splits_may_name_files_and_clips_that_there_are_not(path, logged):
    data = in_2d()
    for clip in data['annotations']:
        clip['filename'] = f'{clip["frame_dir"]}.mp4'
    data['split'] = {'train': [f'{CLIPS[0][0]}.mp4', CLIPS[1][0], 'gone'], 'val': []}
    read = load_annotations(write(data, path))
    assert read['split'] == {'train': [CLIPS[0][0], CLIPS[1][0]]}
    assert '1 name in splits' in logged.text


def test_25_joints_in_2d_are_kinects_or_named_to_be_others(path, logged):
    data = in_2d()
    for clip in data['annotations']:
        for key in ('keypoint', 'keypoint_score'):
            clip[key] = np.repeat(clip[key], 2, axis=2)[:, :, :25]
    assert load_annotations(write(data, path))['metainfo']['skeleton'] == 'kinect25'
    assert_names(logged.text, path, 'kinect25 | openpose_body25')
    logged.clear()
    data['metainfo'] = {'skeleton': 'openpose_body25'}
    read = load_annotations(write(data, path))
    assert read['metainfo']['skeleton'] == 'openpose_body25'
    assert 'kinect25' not in logged.text


def test_stated_metainfo_goes_before_assumptions(path, logged):
    stated = {'fps': 25, 'skeleton': 'nturgb+d', 'up': '-y', 'dataset': 'ntu'}
    read = load_annotations(write({**in_3d(), 'metainfo': stated}, path))
    assert read['metainfo']['skeleton'] == 'kinect25'
    assert {*read['metainfo']['assumed']} == {'keypoint', 'classes'}
    video = read['annotations'][0]
    assert video['fps'] == 25
    # What is lowest in metres is at the top of the image.
    lowest = video['keypoint_3d'][0, 0, :, 1].argmin()
    assert video['keypoint'][0, 0, lowest, 1] == video['keypoint'][0, 0, :, 1].min()


def test_clips_stand_beside_recordings_and_metainfo_is_kept(path, logged):
    data = small_annotations()
    clip = {**data['annotations'][0], 'frame_dir': 'clip', 'label': np.int64(2)}
    data['annotations'].append(clip)
    read = load_annotations(write(data, path))
    assert read['metainfo'] == data['metainfo']
    assert (read['annotations'][-1]['label'] == 2).all()
    np.testing.assert_array_equal(
        read['annotations'][0]['label'], data['annotations'][0]['label']
    )
    assert_names(logged.text, '1 clip | 3 recordings')


def clip(index, key, value):
    def change(data):
        data['annotations'][index][key] = value

    return change


def compress(key, value):
    def change(data):
        data['annotations'] = compressed()
        data['annotations'][1][key] = value

    return change


@pytest.mark.parametrize(
    ('change', 'named'),
    [
        (clip(1, 'label', 2.0), f'{CLIPS[1][0]} | label | 2.0'),
        (clip(1, 'label', [2]), f'{CLIPS[1][0]} | label is [2]'),
        (clip(1, 'label', True), f'{CLIPS[1][0]} | label | True'),
        (clip(1, 'label', 10**30), f'{CLIPS[1][0]} | label'),
        (clip(1, 'label', -3), f'{CLIPS[1][0]} | label | -3'),
        (clip(1, 'keypoint', np.zeros((1, 0, 17, 2))), f'{CLIPS[1][0]} | (1, 0,'),
        (clip(1, 'keypoint', np.zeros((9, 17, 2))), f'{CLIPS[1][0]} | (9, 17, 2)'),
        (clip(1, 'keypoint_score', 3), f'{CLIPS[1][0]} | keypoint_score | 3'),
        (clip(1, 'total_frames', 500), f'{CLIPS[1][0]} | total_frames | 500'),
        (clip(1, 'frame_dir', CLIPS[0][0]), f'2 videos | {CLIPS[0][0]}'),
        (
            lambda data: [v.update(label=0.5) for v in data['annotations']],
            f'{CLIPS[0][0]} | label | 0.5',
        ),
        (
            lambda data: data['annotations'].insert(
                0, {'frame_dir': CLIPS[0][0], 'label': 0, 'raw_file': 'k400/a.pkl'}
            ),
            f'{CLIPS[0][0]} | keypoint | raw_file | k400/a.pkl',
        ),
        (
            lambda data: [c.update(keypoint=c['keypoint'][:, :, :16])
                          for c in data['annotations']],
            'keypoint | 16 | skeleton',
        ),
        (compress('frame_inds', np.array([99])), f'{CLIPS[1][0]} | frame_inds'),
        (compress('total_frames', None), f'{CLIPS[1][0]} | total_frames | None'),
        (compress('keypoint', np.zeros((9, 17, 2))), f'{CLIPS[1][0]} | keypoint'),
    ],
)  # fmt: skip
def test_fault_of_a_clip_is_named_in_one_sentence(change, named, path):
    data = in_2d()
    change(data)
    with raises_naming(ValueError, f'{path}: ', named) as error:
        load_annotations(write(data, path))
    assert '\n' not in str(error.value)


def test_label_beyond_the_names_is_refused(path):
    (path.parent / 'label_map.txt').write_text('drink\neat\n')
    with raises_naming(ValueError, path, f'{CLIPS[2][0]} | label | 2 | -1 to 1'):
        load_annotations(write(in_2d(), path))


def test_what_is_no_clip_is_no_annotation_file_either(path):
    for content in ([], [{'pred_label': 3}], [3], {'annotations': []}):
        with raises_naming(ValueError, f'{path}: ', 'annotation file | metainfo'):
            load_annotations(write(content, path))


def test_segments_become_clips_without_background_and_short_ones(path):
    data = small_annotations((30,))
    data['annotations'][0]['label'] = np.repeat([0, 1, 2, -1, 1], [6, 8, 3, 5, 8])
    data['metainfo']['background'] = 'class_0'
    data['split'] = {'train': ['video_0'], 'val': ['video_0']}
    clips, without = cut_clips(data)
    assert [c['label'] for c in clips['annotations']] == [1, 1]
    assert [c['part_of'] for c in clips['annotations']] == [
        ('video_0', 6),
        ('video_0', 22),
    ]
    names = [c['frame_dir'] for c in clips['annotations']]
    assert clips['split'] == {'train': names, 'val': names}
    assert sorted(without.values()) == [1, 1]
    np.testing.assert_array_equal(
        clips['annotations'][1]['keypoint'], data['annotations'][0]['keypoint'][:, 22:]
    )
    every, _ = cut_clips(data, background=True, min_frames=1)
    assert [c['label'] for c in every['annotations']] == [0, 1, 2, 1]
    with raises_naming(ValueError, '3 shorter than 9 frames | 1 of the background'):
        cut_clips(data, min_frames=9)


def test_converted_clips_come_back(path, capsys):
    data = load_annotations(write(in_3d(), path))
    job = ConvertClips(annotations=path, out=path.with_name('clips.pkl'))
    assert job.run(PrintedEvents()) == job.out
    assert_names(capsys.readouterr().out, job.out, '24 clips | xsub_train | xsub_val')
    written = pickle.loads(job.out.read_bytes())
    assert {type(clip['label']) for clip in written['annotations']} == {int}
    read = load_annotations(job.out)
    assert read['metainfo']['classes'] == data['metainfo']['classes']
    for video, other in zip(read['annotations'], data['annotations'], strict=True):
        for key in ('keypoint', 'keypoint_3d', 'label'):
            np.testing.assert_array_equal(video[key], other[key])
