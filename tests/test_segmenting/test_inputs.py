"""Inputs: which videos they stand for, and what a model reads of them."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.inputs import ObjectInput, PoseInput, named_joints
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.objects import Found, FoundObjects
from mmskelseg_io.objects.found import corners
from mmskelseg_io.poses import Poses, write_npz
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.individuals import alone
from mmskelseg_io.structures.objects import BOX
from mmskelseg_runtime.segmenting.inputs import InputReader
from mmskelseg_runtime.segmenting.segmenter import Segmenter
from mmskelseg_runtime.segmenting.sources import Source, find_sources
from tests.errors import assert_names, raises_naming


def reader(skeleton='coco17', needs_poses=True, needs_video=False, **options):
    given = PoseInput(**options)
    return InputReader(skeleton, ('a', 'b'), needs_poses, needs_video, None, given)


def read(source, **options):
    """Return the one annotation of a source."""
    (video,) = reader(**options).read(source)
    return video


def poses(frames=30, joints=17, **options):
    keypoint = np.full((1, frames, joints, 2), 5.0)
    return Poses(keypoint, np.ones((1, frames, joints)), 'coco17', **options)


def entry(**changes):
    keypoint = np.full((1, 8, 17, 2), 5.0)
    return {'keypoint': keypoint, 'fps': 10, **changes}


@pytest.mark.parametrize(
    ('changes', 'named'),
    [
        ({'fps': None}, 'fps, '),
        ({'fps': 0}, 'fps is 0,'),
        ({'keypoint': np.zeros((8, 15, 2))}, '15 joints | coco17 | 17;'),
        ({'keypoint': np.zeros((8, 17))}, 'keypoint | (8, 17)'),
        ({'keypoint': np.array(['x'])}, 'keypoint | <U1'),
        ({'keypoint_score': np.zeros((8, 3))}, 'keypoint_score | (1, 8, 3)'),
        ({'skeleton': 'lcr15', 'keypoint': np.zeros((8, 15, 2))}, '15 joints | nose, '),
        ({'label': 'abc'}, 'label | <U3'),
        ({'label': [0, [1]]}, 'label | ragged'),
        ({'label': np.zeros(7, int)}, 'label | (7,) | (8,)'),
        ({'label': np.full(8, 9)}, 'label | 9, | 0 to 1'),
        ({'label': np.full(8, np.nan)}, 'label | nan, | 0 to 1'),
        ({'risk': np.zeros(3)}, 'risk | (3,)'),
        ({'frame_dir': 5}, 'frame_dir | 5,'),
        ({'filename': ['a.mp4']}, "filename | ['a.mp4']"),
        # The path of a program, perhaps.
        ({'skeleton': '../layout.py'}, "skeleton | '../layout.py'"),
    ],
)
def test_fault_of_an_entry_is_one_sentence(changes, named):
    with raises_naming(ValueError, 'take: ', named):
        read(Source('take', entry=entry(**changes)))


def test_label_is_checked_with_the_classes_of_its_own_tier():
    tiers = {'gaze': ['up'], 'hand': ['no', 'wave', 'point']}
    classes = [f'{tier}: {name}' for tier, names in tiers.items() for name in names]
    label = np.array([[2] * 8, [0] * 8])
    source = Source(
        'take', metainfo={'classes': classes, 'tiers': tiers}, entry=entry(label=label)
    )
    with raises_naming(ValueError, 'take: ', 'label', "'gaze'", ' 2,', '0 to 0'):
        read(source)


def test_values_of_none_are_as_if_they_were_missing():
    unstated = dict.fromkeys(('frame_dir', 'filename', 'label', 'risk', 'img_shape'))
    video = read(Source('take', entry=entry(**unstated)))
    assert video['frame_dir'] == 'take'
    assert not {'filename', 'label', 'risk'} & video.keys()


def test_entry_without_keypoints_is_reported():
    with raises_naming(ValueError, 'take: ', "['label']", '`keypoint`'):
        read(Source('take', entry={'label': np.zeros(3)}))


def test_joints_that_are_not_finite_are_missing():
    keypoint = np.full((8, 17, 2), 5.0)
    keypoint[3, 4] = np.nan
    video = read(Source('take', entry=entry(keypoint=keypoint)))
    assert video['keypoint_score'][0, 3, 4] == 0
    assert video['keypoint_score'].sum() == 8 * 17 - 1
    assert np.isfinite(video['keypoint']).all()


@pytest.mark.parametrize('has_file', [True, False])
def test_joints_below_the_threshold_of_training_are_missing(has_file, tmp_path, rng):
    score = rng.uniform(size=(1, 8, 17)).astype(np.float32)
    given = entry(keypoint_score=score)
    source = Source('take', entry=given)
    if has_file:
        write_npz(Poses(given['keypoint'], score, 'coco17', fps=10), tmp_path / 'a.npz')
        source = Source('take', poses=tmp_path / 'a.npz')
    found = read(source, kpt_thr=0.4)['keypoint_score']
    np.testing.assert_array_equal(found, np.where(score < 0.4, 0, score))


def test_labels_of_other_classes_are_left_out():
    labelled = entry(label=np.zeros(8, np.int64))
    same = {'classes': ['a', 'b'], 'skeleton': 'coco17'}
    other = {'classes': ['x', 'y', 'z'], 'skeleton': 'coco17'}
    for metainfo, kept in ((same, True), (other, False)):
        source = Source('take', entry=labelled, metainfo=metainfo)
        assert ('label' in read(source)) == kept


def test_size_of_image_is_taken_from_the_joints_with_a_note():
    video = read(Source('take', entry=entry()))
    assert video['img_shape'] == (6, 6)
    assert video['notes'] == (
        'image size is unknown, estimated from the extent of the joints',
    )
    assert read(Source('take', entry=entry(img_shape=(9, 9))))['notes'] == ()


@pytest.mark.parametrize('source', [{'entry': entry()}, {'poses': poses(fps=10)}])
def test_size_of_image_can_be_given_if_nothing_states_it(source):
    video = read(Source('take', **source), img_shape=(96, 128))
    assert (video['img_shape'], video['notes']) == ((96, 128), ())


def test_size_that_a_file_contradicts_is_refused(tmp_path):
    path = tmp_path / 'take.npz'
    np.savez(path, keypoint=np.ones((5, 17, 2)), fps=10, img_shape=(96, 128))
    source = Source('take', poses=path)
    assert read(source, img_shape=(96, 128))['img_shape'] == (96, 128)
    with raises_naming(ValueError, path, '128x96', '--size', '9x8'):
        read(source, img_shape=(8, 9))


def test_missing_video_file_is_noted(tmp_path):
    source = Source('take', video=tmp_path / 'gone.mp4', entry=entry())
    video = read(source)
    assert 'filename' not in video
    assert 'gone.mp4: there is no such file' in video['notes'][-1]


def test_poses_take_rate_and_size_from_their_video(clip):
    source = Source('clip', video=clip(fps=20.0), poses=poses(27))
    video = read(source)
    assert (video['fps'], video['img_shape']) == (20, (96, 128))
    # The tracker saw nobody in the last three frames.
    assert video['total_frames'] == 30
    assert video['keypoint_score'][0, 27:].sum() == 0


def two_people(frames=30, **options):
    """Two people side by side, the second from frame 8 on."""
    keypoint = np.full((2, frames, 17, 2), 50.0)
    keypoint += np.arange(17)[:, None]
    keypoint[1] += 300
    score = np.ones((2, frames, 17))
    score[1, :8] = 0
    return Poses(keypoint, score, 'coco17', fps=10, **options)


def test_each_person_becomes_an_annotation_of_its_own():
    source = Source('take', poses=two_people())
    first, second = reader(person='each').read(source)
    assert [v['frame_dir'] for v in (first, second)] == ['take_person1', 'take_person2']
    assert {v['video'] for v in (first, second)} == {'take'}
    assert (first['person'], second['person']) == ('person1', 'person2')
    assert first['keypoint'].shape == (1, 30, 17, 2)
    assert first['keypoint'].max() < 100
    assert second['keypoint'][0, 8:].min() > 300
    assert not second['keypoint_score'][0, :8].any()
    assert second['notes'][0] == 'one of 2 people, seen in 22 of 30 frames'
    # Names of the file stay.
    source = Source('take', poses=two_people(people=('ann', 'bob')))
    names = [v['frame_dir'] for v in reader(person='each').read(source)]
    assert names == ['take_ann', 'take_bob']


def test_others_follow_each_person_for_a_model_that_reads_them():
    both = two_people()
    source = Source('take', poses=both)
    people = reader(person='each', others=True).read(source)
    for video, order in zip(people, ([0, 1], [1, 0]), strict=True):
        np.testing.assert_array_equal(
            video['keypoint'] * video['keypoint_score'][..., None],
            (both.keypoint * both.keypoint_score[..., None])[order],
        )
    chosen = read(source, others=True)
    np.testing.assert_array_equal(chosen['keypoint'], people[0]['keypoint'])
    for video in (*people, chosen):
        own = alone(video)['keypoint']
        np.testing.assert_array_equal(own, video['keypoint'][:1])


def test_each_person_of_an_entry_keeps_its_points_in_3d_and_no_labels():
    both = two_people()
    changes = {
        'keypoint': both.keypoint,
        'keypoint_score': both.keypoint_score,
        'keypoint_3d': np.stack([np.zeros((30, 17, 3)), np.ones((30, 17, 3))]),
        'label': np.zeros(30, np.int64),
    }
    source = Source('take', entry=entry(**changes), metainfo={'classes': ['a', 'b']})
    source.metainfo['skeleton'] = 'coco17'
    people = reader(person='each').read(source)
    assert [v['keypoint_3d'].shape for v in people] == [(1, 30, 17, 3)] * 2
    assert [v['keypoint_3d'][0, 9:].max() for v in people] == [0, 1]
    assert not any('label' in v for v in people)
    assert 'label' in read(source)


def test_a_person_is_not_chosen_silently_among_those_of_an_entry():
    """All are used together."""
    both = two_people()
    item = entry(keypoint=both.keypoint, keypoint_score=both.keypoint_score)
    assert read(Source('take', entry=item))['keypoint'].shape[0] == 2
    with raises_naming(ValueError, 'take: ', 'person', "'largest'", '2 people'):
        read(Source('take', entry=item), person='largest')


def test_boxes_of_people_are_as_long_as_their_video(clip):
    corners = np.array([[45, 45, 70, 70], [345, 345, 370, 370]])
    box = np.repeat(corners[:, None], 29, axis=1)
    both = two_people(29, person_box=box, people=('ann', 'bob'))
    source = Source('clip', video=clip(fps=10.0), poses=both)
    videos = reader(person='each').read(source)
    assert [v['total_frames'] for v in videos] == [30, 30]


def test_results_in_which_nobody_is_seen_at_first(tmp_path):
    """AlphaPose numbers frames; the model names the joints."""
    person = {'category_id': 1, 'keypoints': [5.0] * 45, 'score': 0.9}
    path = tmp_path / 'take.json'
    path.write_text(json.dumps([{'image_id': i, **person} for i in range(4, 12)]))
    source = Source('take', poses=path)
    with raises_naming(ValueError, path, 'image_id', ' 4;', '--first-frame'):
        read(source, fps=10)
    found = read(source, skeleton='lcr15', fps=10, first_frame=1)
    assert found['total_frames'] == 11
    assert not found['keypoint_score'][0, :3].any()


def test_a_format_that_is_not_recognised_can_be_named(tmp_path):
    path = tmp_path / 'take.txt'
    path.write_text('frame,nose_x,nose_y\n0,1,2\n1,3,4\n')
    (source,) = find_sources(path)
    with raises_naming(ValueError, path, '--pose-format'):
        read(source, fps=10)
    skeleton = {'joints': ['nose'], 'limbs': []}
    video = read(source, skeleton=skeleton, pose_format='csv', fps=10)
    assert video['keypoint'][0, :, 0].tolist() == [[1, 2], [3, 4]]


def test_a_model_without_skeletons_tells_nobody_apart(clip):
    source = Source('clip', video=clip())
    with raises_naming(ValueError, 'clip: ', 'person is each'):
        reader(person='each', needs_poses=False, needs_video=True).read(source)


@pytest.fixture
def folder(tmp_path):
    """A folder with files of these names, empty."""

    def make(*names):
        path = tmp_path / 'inputs'
        path.mkdir(exist_ok=True)
        for name in names:
            (path / name).touch()
        return path

    return make


def test_folder_pairs_videos_with_poses_of_their_names(folder):
    path = folder(
        'b.mp4', 'a.mp4', 'a.json', 'c.npz', 'readme.txt', '._b.mp4', '._b.csv'
    )
    found = {source.name: source for source in find_sources(str(path))}
    assert list(found) == ['a', 'b', 'c']
    assert (found['a'].video, found['a'].poses) == (path / 'a.mp4', path / 'a.json')
    assert found['b'].poses is None
    assert found['c'].video is None


def test_annotation_file_gives_its_videos(small_data):
    assert [s.name for s in find_sources(small_data)] == [
        'video_0', 'video_1', 'video_2'
    ]  # fmt: skip
    assert [s.name for s in find_sources(small_data, split='test')] == ['video_2']
    with raises_naming(ValueError, small_data, "'val'", 'train, test'):
        find_sources(small_data, split='val')


def test_folder_of_openpose_is_one_video(tmp_path):
    folder = tmp_path / 'take'
    folder.mkdir()
    (folder / 'take_000000000000_keypoints.json').write_text(json.dumps({}))
    assert [s.poses for s in find_sources(folder)] == [folder]
    assert [s.name for s in find_sources(tmp_path)] == ['take']


def test_poses_go_with_videos_by_order_or_by_name(folder):
    path = folder('a.mp4', 'b.mp4', 'b.csv', 'a.csv')
    videos = [path / 'a.mp4', path / 'b.mp4']
    by_name = find_sources(videos, poses=path)
    assert [s.poses for s in by_name] == [path / 'a.csv', path / 'b.csv']
    by_order = find_sources(videos, poses=[path / 'b.csv', path / 'a.csv'])
    assert [s.poses for s in by_order] == [path / 'b.csv', path / 'a.csv']


def test_videos_of_one_name_are_told_apart():
    sources = find_sources([{'keypoint': np.zeros(1)}] * 2)
    assert [source.name for source in sources] == ['video', 'video_2']


def fault(named, inputs, **options):
    with raises_naming((ValueError, FileNotFoundError), named):
        find_sources(inputs, **options)


def test_inputs_that_are_none_are_reported(folder):
    path = folder('a.mp4', 'b.mp4', 'b.csv')
    fault('gone.mp4: ', 'gone.mp4')
    fault(' int,', 3)
    videos = [path / 'a.mp4', path / 'b.mp4']
    fault(f'{path} | name a, | 1 missing | 2 videos', videos, poses=path)
    fault('2 poses | 1 videos', path / 'a.mp4', poses=[path / 'b.csv'] * 2)
    folder('b.json')
    fault('/b.json | /b.csv', path)
    empty = path / 'empty'
    empty.mkdir()
    fault(f'{empty}: ', empty)


def test_intervals_without_anybody_are_noted():
    """Gaps of up to a second are not noted."""
    score = np.ones((1, 60, 17))
    score[:, :20] = score[:, 30:40] = score[:, 45:] = 0
    keypoint = np.full((1, 60, 17, 2), 5.0)
    both = {'keypoint': keypoint, 'keypoint_score': score, 'fps': 10}
    note = 'nobody is seen from 0.0 to 2.0 s, from 4.5 to 6.0 s; labels there are gues'
    assert any(n.startswith(note) for n in read(Source('a', entry=both))['notes'])
    score[:, :20] = score[:, 45:] = 1
    assert not any('nobody' in n for n in read(Source('a', entry=both))['notes'])


def test_an_individual_alone_is_noted_where_the_model_needs_others():
    def notes(people, **options):
        seen = (np.arange(2) < people)[:, None, None] * np.ones((2, 8, 17))
        keypoint = np.full((2, 8, 17, 2), 5.0)
        both = entry(keypoint=keypoint, keypoint_score=seen)
        _, (video,) = segmenter_of(**options).videos(both)
        return [note for note in video['notes'] if 'nearest other' in note]

    assert notes(1, sees_others=True, needs_others=True)
    assert not notes(2, sees_others=True, needs_others=True)
    # As MMAction2's recognisers, which read everybody.
    assert not notes(1, sees_others=True)


def test_a_rate_that_replaces_that_of_the_file_is_noted():
    source = Source('a', poses=poses(fps=28.05))
    assert '30 fps instead of the 28.05 of the file' in read(source, fps=30)['notes']
    assert not any('instead' in note for note in read(source)['notes'])


def test_joints_of_an_entry_become_those_of_the_model():
    """And so does its layout, by which overlays draw it."""
    model = {'joints': ['nose', 'left_wrist'], 'limbs': [[0, 1]]}
    video = read(*find_sources(entry(skeleton='coco17')), skeleton=model)
    assert video['keypoint'].shape == (1, 8, 2, 2)
    assert video['skeleton'] == model


def box(frame, name='take1', **more):
    found = [Found(frame, 'cup', corners(0.1, 0.1, 0.2, 0.2), track='1')]
    return FoundObjects(name, f'{name}.txt', found, **more)


def test_objects_are_given_to_the_recording_of_their_name(tmp_path):
    for name in ('take1', 'take2'):
        write_npz(poses(fps=10), tmp_path / f'{name}.npz')
    given = [box(3, 'take2_boxes'), box(4, 'take1')]
    sources = find_sources(str(tmp_path), objects=given)
    (first,), (second,) = (reader().read(source) for source in sources)
    for video, frame in ((first, 4), (second, 3)):
        (cup,) = video['objects']
        assert np.flatnonzero(cup['score'][:, 0]).tolist() == [frame]


def test_objects_of_an_entry_are_kept_or_replaced():
    own = [{'name': 'pen', 'kind': 'pen', 'points': [], 'score': []}]
    video = entry(objects=own, fps=10)
    assert read(*find_sources(video))['objects'] == own
    (cup,) = read(*find_sources(video, objects=[box(1)]))['objects']
    assert cup['name'] == 'cup 1'


@pytest.mark.parametrize('kinds', [{'3': 'cup'}, [('3', 'cup')]])
def test_kinds_of_objects_are_a_dict_or_pairs(kinds, tmp_path):
    path = tmp_path / 'take1.txt'
    path.write_text('1,1,5,6,10,10,0.9,3,1\n1,2,5,6,10,10,0.2,3,1\n')
    (found,) = ObjectInput([path], object_kinds=kinds, object_thr=0.5).read()
    assert [(one.kind, one.track) for one in found.found] == [('cup', '1')]


def test_relative_objects_need_the_size_of_the_image():
    given = [box(1, is_relative=True)]
    with raises_naming(ValueError, 'take1.txt', '--size'):
        read(*find_sources(entry(), objects=given))
    (cup,) = read(*find_sources(entry(img_shape=(100, 200)), objects=given))['objects']
    np.testing.assert_allclose(cup['points'][1, 0], [20, 10], rtol=1e-6)


def test_recordings_without_objects_are_named():
    inputs = [entry(frame_dir='take1'), entry(frame_dir='take7')]
    with raises_naming(ValueError, 'take7', 'take1 (take1.txt)'):
        find_sources(inputs, objects=[box(1)])


@pytest.mark.parametrize(('name', 'warns'), [('n1', False), ('n1_boxes', False),
                                             ('m1', True)])  # fmt: skip
def test_objects_of_another_name_alone_are_used_with_a_warning(name, warns, logged):
    (source,) = find_sources(entry(frame_dir='n1'), objects=[box(1, name)])
    assert source.objects.name == name
    assert len(logged.records) == warns
    for record in logged.records:
        assert record.levelname == 'WARNING'
        assert_names(record.getMessage(), 'n1: | m1 (m1.txt)')


def write_table(path, *kinds, score=0.9):
    """Write a table of MOTChallenge with an object of each kind in a frame."""
    rows = [f'1,{kind},5,6,10,10,{score},{kind},1\n' for kind in kinds]
    path.write_text(''.join(rows))
    return path


def test_a_threshold_that_leaves_no_object_is_a_warning(tmp_path, logged):
    path = write_table(tmp_path / 'take1.txt', 3, score=0.9)
    assert ObjectInput([path], object_thr=0.9).read()[0].found
    assert not logged.records
    assert not ObjectInput([path], object_thr=0.95).read()[0].found
    (record,) = logged.records
    assert record.levelname == 'WARNING'
    assert_names(record.getMessage(), '--object-thr 0.95 | 0.9')


def segmenter_of(*kinds, sees_others=False, needs_others=False):
    recipe = SimpleNamespace(
        reads='poses',
        in_3d=False,
        places=(),
        sees_others=sees_others,
        needs_others=needs_others,
        kinds=dict.fromkeys(kinds, BOX),
    )
    metainfo = {'classes': ['a', 'b'], 'skeleton': 'coco17'}
    return Segmenter(SimpleNamespace(metainfo=metainfo, recipes=[recipe]))


@pytest.mark.parametrize(
    ('kinds', 'named'),
    [
        ({3: 'cup', 45: 'plate'}, None),
        ({}, 'take1: | no cup or plate, | 3, 45'),
        ({3: 'cup', 45: 45}, 'take1: | no plate, | cup, 45'),
        ({3: 'cup'}, 'take1: | no plate, | cup'),
    ],
)
def test_kinds_that_a_file_lacks_are_a_warning(kinds, named, tmp_path, logged):
    """One for each input, whose people may be several."""
    both = np.repeat(poses().keypoint, 2, axis=0)
    write_npz(Poses(both, np.ones(both.shape[:3]), 'coco17', fps=10),
              tmp_path / 'take1.npz')  # fmt: skip
    _, videos = segmenter_of('cup', 'plate').videos(
        tmp_path / 'take1.npz', objects=write_table(tmp_path / 'take1.txt', 3, 45),
        object_kinds={str(own): str(kind) for own, kind in kinds.items()},
        person='each',
    )  # fmt: skip
    assert len(list(videos)) == 2
    assert len(logged.records) == (named is not None)
    for record in logged.records:
        assert record.levelname == 'WARNING'
        assert_names(record.getMessage(), named, '--object-kinds')


@pytest.mark.parametrize('known', [['cup', 'plate'], ['cup'], []])
def test_kinds_of_a_data_set_need_not_be_in_each_recording(known, tmp_path, logged):
    """Its names of kinds are right if it has them at all, or if nothing is there."""
    score = np.ones((8, 4), np.float32)
    points = np.zeros((8, 4, 2), np.float32)
    cup = {'name': 'cup 1', 'kind': 'cup', 'points': points, 'score': score}
    video = entry(
        frame_dir='take1', objects=[cup][: len(known)], total_frames=8,
        img_shape=(9, 9), label=np.zeros(8, int), keypoint_score=np.ones((1, 8, 17)),
    )  # fmt: skip
    kinds = {kind: list(BOX) for kind in known}
    meta = {
        'classes': ['a', 'b'], 'skeleton': 'coco17', 'objects': kinds,
        'dataset': 'cups', 'background': None,
    }  # fmt: skip
    path = tmp_path / 'annotations.pkl'
    save_annotations(
        {'annotations': [video], 'split': {'test': ['take1']}, 'metainfo': meta}, path
    )
    list(segmenter_of('cup', 'plate').videos(path)[1])
    assert len(logged.records) == (known == ['cup'])


def test_joints_of_other_names_are_noted(tmp_path):
    """A table names those that do not match by themselves."""
    table = tmp_path / 'map.csv'
    table.write_text('model,own\nnose,snout\n')
    names = [*Skeleton.get('coco17').joints]
    names[:2] = 'snout', 'LeftEye'
    layout = {'joints': names, 'limbs': [[0, 1]]}
    own = InputReader(
        'coco17', ('a',), True, False, None, PoseInput(), named_joints(table, 'coco17')
    )  # fmt: skip
    (video,) = own.read(find_sources(entry(skeleton=layout))[0])
    assert 'joints of other names: snout is nose, LeftEye is left_eye' in video['notes']


def test_joint_that_poses_lack_is_missing_if_a_table_says_so(tmp_path):
    table = tmp_path / 'map.csv'
    table.write_text('model,own\nnose,\nleft_eye,\n')
    names = [*Skeleton.get('coco17').joints][1:]
    given = entry(skeleton={'joints': names, 'limbs': [[0, 1]]})
    given['keypoint'] = given['keypoint'][:, :, 1:]
    own = InputReader(
        'coco17', ('a',), True, False, None, PoseInput(), named_joints(table, 'coco17')
    )  # fmt: skip
    (video,) = own.read(find_sources(given)[0])
    assert 'always missing: nose' in video['notes']
    assert not video['keypoint_score'][:, :, 0].any()
    np.testing.assert_array_equal(video['keypoint'][:, :, 1:], given['keypoint'])


@pytest.mark.parametrize(
    ('text', 'named'),
    [
        ('nose,snout\n', 'model'),
        ('model,own\nsnout,nose\n', "line 2 | 'snout' | left_eye"),
        ('model,own\nnose,a\nnose,b\n', "'nose'"),
        ('model,own\nnose,a\nleft_eye,a\n', "'a'"),
    ],
)
def test_wrong_tables_of_joints_are_named(text, named, tmp_path):
    table = tmp_path / 'map.csv'
    table.write_text(text)
    with raises_naming(UserError, table, named):
        named_joints(table, 'coco17')
