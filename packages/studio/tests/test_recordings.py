"""What a folder has: videos, poses, labels of any tool, side by side or in folders."""

import json
import os
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from mmskelseg.engine.crops import crop_table
from mmskelseg.engine.lengths import crop_lengths
from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.files.video import VideoFile
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.labels import (
    Segment,
    VideoSegments,
    read_segments,
    write_boris,
    write_csv_segments,
)
from mmskelseg_io.messages.errors import MissingFileError, UserError
from mmskelseg_io.poses import Poses, write_npz
from mmskelseg_io.structures.tiers import tiers_of
from mmskelseg_studio.converting import ConvertVideo, is_copy, is_playable
from mmskelseg_studio.folder import open_folder, training_data
from mmskelseg_studio.studio import Studio
from tests.clip_files import CLIPS, in_3d, write
from tests.clips import write_uneven_video, write_video
from tests.conftest import add_class, save_people
from tests.errors import assert_names, raises_naming
from tests.small_data import save_poses, small_annotations

EACH = {'person': 'each'}


def save_walk(path, seed=0, frames=60):
    path.parent.mkdir(exist_ok=True)
    save_poses(path, small_annotations((frames,), seed=seed)['annotations'][0])


def save_video(path, frames=60, codec='mp4v'):
    write_video(path, range(0, 4 * frames, 4), codec=codec)


SEGMENTS = [Segment(0, 2, 'walk'), Segment(2, 5, 'lift')]


@pytest.mark.parametrize(('file', 'text', 'given'), [
    ('take1.csv', '1,1,10,20,30,30,0.9', 'take1.csv'),
    ('take1.txt', '1 1 10 20 30 30', 'take1.txt'),
    ('take1.json', '[{"image_id": 1, "bbox": [1, 2, 3, 4]}]', 'take1.json'),
    ('boxes/take1_1.txt', '0 0.5 0.5 0.1 0.1', 'boxes'),
    ('boxes/000001.json', '{"labels": [], "bboxes": []}', 'boxes'),
])  # fmt: skip
def test_objects_beside_recordings_are_neither_labels_nor_poses(
    file, text, given, tmp_path
):
    save_walk(tmp_path / 'take1.npz')
    path, named = tmp_path / file, tmp_path / given
    path.parent.mkdir(exist_ok=True)
    path.write_text(text + '\n')
    folder = open_folder(tmp_path)
    (note,) = folder.notes
    assert_names(
        note, f'{named}: has objects', 'start the studio', f'--objects {named}'
    )
    assert [one.poses for one in folder.recordings.values()] == [tmp_path / 'take1.npz']


def test_videos_poses_and_labels_are_found_and_paired(tmp_path):
    save_video(tmp_path / 'videos' / 'take1.mp4')
    save_walk(tmp_path / 'poses' / 'take1.npz')
    save_walk(tmp_path / 'take2.npz', 1)
    save_video(tmp_path / 'videos' / 'take3.mp4', 30)
    video = VideoSegments('take1', SEGMENTS, 10.0, 60)
    write_boris(tmp_path / 'labels' / 'all.boris', [video], ['lift', 'walk'])
    write_csv_segments(tmp_path / 'take2.csv', [VideoSegments('take2', SEGMENTS)])
    folder = open_folder(tmp_path)
    found = folder.recordings
    assert [(n, one.video is not None, one.has_poses) for n, one in found.items()] == [
        ('take1', True, True), ('take2', False, True), ('take3', True, False),
    ]  # fmt: skip
    (tier,) = folder.project.tiers
    assert [*tier.ids] == ['lift', 'walk']
    for name in ('take1', 'take2'):
        (labels,) = folder.project.recordings[name].labels
        assert labels == [(0, 20, 1), (20, 50, 0)]
    assert folder.project.recordings['take3'].labels == [[]]
    assert folder.project.recordings['take3'].frames == 30


def test_poses_of_another_size_are_scaled_to_the_video(tmp_path):
    save_video(tmp_path / 'take1.mp4')
    video = small_annotations((60,))['annotations'][0]
    save_poses(tmp_path / 'take1.npz', {**video, 'img_shape': (96, 128)})
    folder = open_folder(tmp_path)
    entry, _ = folder.annotation('take1')
    assert entry['img_shape'] == (48, 64)
    np.testing.assert_allclose(entry['keypoint'], video['keypoint'] / 2, rtol=1e-6)


def test_poses_of_another_shape_of_image_are_left_out(tmp_path):
    """Nobody can say where in the video their joints are."""
    save_video(tmp_path / 'take1.mp4')
    video = small_annotations((60,))['annotations'][0]
    save_poses(tmp_path / 'take1.npz', {**video, 'img_shape': (100, 100)})
    folder = open_folder(tmp_path)
    assert not folder.recordings['take1'].has_poses
    assert_names(' '.join(folder.notes), 'take1.npz', '100x100', '64x48')


def test_joints_with_low_scores_can_be_left_out(tmp_path):
    """Training hides them, and says so to the model."""
    rng = np.random.default_rng(0)
    score = rng.uniform(size=(1, 60, 17)).astype(np.float32)
    keypoint = rng.uniform(5, 90, (1, 60, 17, 2))
    poses = Poses(keypoint, score, 'coco17', (100, 100), 10.0)
    write_npz(poses, tmp_path / 'take1.npz')
    data = training_data(open_folder(tmp_path, {'kpt_thr': 0.6}), ['take1'])
    assert data['metainfo']['kpt_thr'] == 0.6
    found = data['annotations'][0]['keypoint_score']
    np.testing.assert_array_equal(found == 0, score < 0.6)


def test_labels_of_the_project_come_before_those_of_files(tmp_path):
    save_walk(tmp_path / 'take1.npz')
    project = open_folder(tmp_path).project
    assert project.classes == []
    add_class(project, 'walk')
    project.replace('take1', 0, 0, 10, [(0, 10, 0)], 1)
    # A later recording comes with labels and a class of its own.
    save_walk(tmp_path / 'take2.npz', 1)
    for name in ('take1', 'take2'):
        write_csv_segments(tmp_path / f'{name}.csv', [VideoSegments(name, SEGMENTS)])
    project = open_folder(tmp_path).project
    assert project.classes == ['walk', 'lift']
    assert project.recordings['take1'].labels == [[(0, 10, 0)]]
    assert project.recordings['take2'].labels == [[(0, 20, 0), (20, 50, 1)]]


def test_trainings_take_crops_of_what_is_labelled(tmp_path):
    """Of ten minutes with two labelled intervals, in steps that these plan."""
    save_walk(tmp_path / 'take1.npz', frames=6000)
    folder = open_folder(tmp_path)
    add_class(folder.project, 'walk')
    for i, start in enumerate((1000, 4000), start=1):
        folder.project.replace(
            'take1', 0, start, start + 90, [(start, start + 90, 0)], i
        )
    data = training_data(folder, ['take1'])
    assert crop_lengths(data['annotations'], 600) == [600, 600]
    table = crop_table(data['annotations'][0]['label'], 600)
    assert table.tolist() == [[700, 790, 1], [3700, 3790, 1]]
    assert folder.project.labelled_seconds('take1') == 18


def test_overlapping_labels_become_tiers(tmp_path):
    save_walk(tmp_path / 'take1.npz')
    overlapping = [Segment(0, 4, 'walk'), Segment(2, 5, 'look')]
    write_csv_segments(tmp_path / 'take1.csv', [VideoSegments('take1', overlapping)])
    project = open_folder(tmp_path).project
    assert {tier.name: [*tier.ids] for tier in project.tiers} == {
        'look': ['no look', 'look'], 'walk': ['no walk', 'walk'],
    }  # fmt: skip
    assert project.recordings['take1'].labels == [[(20, 50, 1)], [(0, 40, 1)]]


@pytest.fixture
def two_people(tmp_path):
    """Return a folder with poses and labels of two people, and of a third one."""
    save_people(tmp_path / 'take1.npz', 'Ann', 'Bob')
    segments = [
        Segment(0, 2, 'walk', individual='ann'),
        Segment(1, 3, 'lift', individual='bob'),
        Segment(0, 1, 'walk', individual='eve'),
    ]  # fmt: skip
    write_csv_segments(tmp_path / 'take1.csv', [VideoSegments('take1', segments)])
    return tmp_path


def test_individuals_have_labels_of_their_own(two_people, tmp_path):
    """Those that label files name, matched with the tracks of the poses."""
    folder = open_folder(two_people, EACH)
    project = folder.project
    assert {n: one.labels for n, one in project.recordings.items()} == {
        'take1_Ann': [[(0, 20, 1)]], 'take1_Bob': [[(10, 30, 0)]],
    }  # fmt: skip
    assert any("'eve'" in note for note in folder.notes)
    data = training_data(folder, [*project.recordings])
    ann, bob = data['annotations']
    assert (ann['individual'], bob['individual'], bob['person']) == (0, 1, 'Bob')
    assert bob['keypoint'].shape[0] == 2
    save_annotations(data, tmp_path / 'out' / 'x.pkl')
    # The second time, labels are those of the project.
    project.save()
    assert open_folder(tmp_path, EACH).project.recordings == project.recordings


def test_others_are_rows_below_the_labels_of_an_individual(two_people):
    shutil.copy(two_people / 'take1.npz', two_people / 'take2.npz')
    open_two = partial(open_folder, two_people, EACH)
    studio = Studio(open_two(), 'mediapipe', open_two)
    ann, bob, *_ = map(studio.recording, range(4))
    assert (ann['individual'], bob['individual']) == ('Ann', 'Bob')
    assert ann['others'] == [{'id': 1, 'name': 'Bob', 'labels': bob['labels']}]
    assert bob['others'] == [{'id': 0, 'name': 'Ann', 'labels': [[(0, 20, 1)]]}]


@pytest.mark.parametrize(
    ('given', 'name', 'rows'),
    [(EACH, 'take1_Bob', [1, 0]), ({'person': 'Bob'}, 'take1', [1, 0, 1])],
)
def test_everybody_is_drawn_and_whose_labels_these_are_first(
    two_people, given, name, rows
):
    picture = open_folder(two_people, given).picture(name)
    with np.load(two_people / 'take1.npz') as saved:
        expected = saved['keypoint'][rows].swapaxes(0, 1)
    np.testing.assert_array_equal(picture.points[..., :2], expected)


def test_individuals_whose_names_collide_are_left_out_with_a_note(tmp_path):
    save_people(tmp_path / 'a.npz', 'b_c', 'd')
    save_people(tmp_path / 'a_b.npz', 'c', 'e')
    save_walk(tmp_path / 'a_d.npz')
    folder = open_folder(tmp_path, EACH)
    found = {name: one.of for name, one in folder.recordings.items()}
    assert found == {'a_b_c': 'a', 'a_d': 'a', 'a_b_e': 'a_b'}
    for name, whose in (('a_b_c', "'c' of 'a_b'"), ('a_d', 'a_d.npz')):
        assert any(repr(name) in note and whose in note for note in folder.notes)


@pytest.mark.parametrize('kind', ['boris', 'boris-events', 'csv', 'elan'])
def test_labels_of_individuals_come_back_from_the_tools(two_people, tmp_path, kind):
    """In one file, and in one observation of the video that shows both."""
    save_video(two_people / 'take1.mp4')
    folder = open_folder(two_people, EACH)
    studio = Studio(folder, 'mediapipe', lambda: folder)
    (tmp_path / 'back').mkdir()
    shutil.copy(two_people / 'take1.npz', tmp_path / 'back')
    for file in studio.write([kind], 'labels'):
        name = file.name.replace('_labels.', '.')
        shutil.copy(file, tmp_path / 'back' / name)
    back = open_folder(tmp_path / 'back', EACH).project
    assert back.recordings == folder.project.recordings
    (file,) = studio.write(['label-studio'], 'labels')
    videos = read_segments(file, subject='each', part='predictions')
    assert {(one.name, s.individual) for one in videos for s in one.segments} == {
        ('take1', 'Ann'), ('take1', 'Bob'),
    }  # fmt: skip


def test_files_of_recordings_stay_apart_where_case_does_not_count(tmp_path):
    """As on Windows and macOS: neither exports nor copies of videos are shared."""
    data = small_annotations((24, 24))
    for video, name in zip(data['annotations'], ('Take', 'take'), strict=True):
        video['frame_dir'] = name
    data['split'] = {'train': ['Take', 'take']}
    save_annotations(data, tmp_path / 'annotations.pkl')
    for part, name in (('a', 'Take.avi'), ('b', 'take.avi')):
        save_video(tmp_path / part / name)
    studio = Studio(open_folder(tmp_path), 'mediapipe', lambda: None)
    studio.close()
    files = [*studio.write(['elan', 'srt'], 'labels'), *studio.copies.values()]
    assert len({str(file).casefold() for file in files}) == len(files) == 6


def test_annotation_file_keeps_what_it_states(folder):
    opened = open_folder(folder)
    data = training_data(opened, ['video_0', 'video_1'])
    assert data['split'] == {'train': ['video_0', 'video_1']}
    expected = small_annotations()['annotations'][1]
    np.testing.assert_array_equal(data['annotations'][1]['label'], expected['label'])
    assert data['metainfo']['skeleton'] == 'coco17'
    save_annotations(data, folder / 'again' / 'x.pkl')


def test_clips_of_mmaction2_are_recordings_with_one_segment(tmp_path):
    write(in_3d(), tmp_path / 'ntu60_3d.pkl')
    (tmp_path / 'label_map_ntu60.txt').write_text('drink\neat\nbrush\n')
    opened = open_folder(tmp_path)
    assert opened.project.classes == ['drink', 'eat', 'brush']
    first = opened.project.recordings[CLIPS[1][0]]
    assert [label for *_, label in first.labels[0]] == [1]
    assert len(opened.project.recordings) == len(CLIPS)
    # What was assumed is said on the page.
    (note,) = [one for one in opened.notes if 'assumed' in one]
    assert_names(note, f'{tmp_path / "ntu60_3d.pkl"} | fps 30 | skeleton | metainfo')


def test_project_of_a_model_has_its_classes(folder):
    """Others that are labelled come after them."""
    own, other = (tiers_of({'classes': names}) for names in (['class_1', 'x'], ['y']))
    project = open_folder(folder, tiers=own).project
    assert project.classes == ['class_1', 'x', 'class_0', 'class_2']
    project.save()
    assert open_folder(folder, tiers=own).project.id == project.id
    with raises_naming(UserError, folder / 'studio.json', "['class_1']", "['y']"):
        open_folder(folder, tiers=other)


def test_labels_may_be_left_aside(folder):
    project = open_folder(folder, ignore_labels=True).project
    assert all(one.labels == [[]] for one in project.recordings.values())
    assert project.classes == ['class_0', 'class_1', 'class_2']


def test_own_classes_replace_those_of_labels_that_are_left_aside(folder):
    (folder / 'mine.csv').write_text('class,key\nwalk,w\nrest,r\n')
    assert open_folder(folder).project.classes[2:] == ['class_0', 'class_1', 'class_2']
    assert open_folder(folder, ignore_labels=True).project.classes == ['walk', 'rest']


def test_frames_that_no_longer_fit_are_named(tmp_path):
    save_walk(tmp_path / 'take1.npz')
    open_folder(tmp_path).project.save()
    save_walk(tmp_path / 'take1.npz', frames=70)
    with raises_naming(UserError, 'take1.npz', '70', '60', 'studio.json'):
        open_folder(tmp_path).picture('take1')


@pytest.mark.parametrize(
    ('name', 'named'),
    [('', 'folder'), ('a.npz', 'a.npz'), ('a.mp4', 'a.mp4'), ('a.pkl', 'a.pkl')],
)
def test_folder_that_cannot_be_used_says_why(tmp_path, name, named):
    """It is empty, or its only file is none."""
    if name:
        (tmp_path / name).write_bytes(b'x')
    with raises_naming(UserError, tmp_path, named):
        open_folder(tmp_path)
    assert not (tmp_path / 'studio.json').exists()


def test_files_that_are_no_poses_are_noted(tmp_path):
    save_walk(tmp_path / 'take1.npz')
    save_video(tmp_path / 'take2.mp4')
    (tmp_path / 'take2.json').write_text('{"a": 1}')
    (tmp_path / 'subjects.csv').write_text('name,age\nann,30\n')
    folder = open_folder(tmp_path)
    assert [(n, one.has_poses) for n, one in folder.recordings.items()] == [
        ('take1', True), ('take2', False),
    ]  # fmt: skip
    for name in ('take2.json', 'subjects.csv'):
        assert any(name in note for note in folder.notes)


def test_what_else_a_folder_has_is_noted(tmp_path):
    """The second file of DeepLabCut, a foreign pickle, two videos of a name."""
    for one in 'bc':
        save_video(tmp_path / one / 'take.mp4', codec='mp4v')
    save_walk(tmp_path / 'take.npz')
    (tmp_path / 'takeDLC_meta.pickle').write_bytes(b'x')
    (tmp_path / 'f\udcfcr.mp4').write_bytes(b'x')
    folder = open_folder(tmp_path)
    assert list(folder.recordings) == ['take']
    for name in ('takeDLC_meta.pickle', str(tmp_path / 'c' / 'take.mp4'), 'fcr.mp4'):
        assert any(name in note for note in folder.notes), name


@pytest.mark.parametrize('name', ['annotations.pkl', 'zannotations.pkl'])
def test_videos_beside_an_annotation_file_are_its_own(folder, name):
    (folder / 'annotations.pkl').rename(folder / name)
    save_video(folder / 'video_0.mp4')
    found = open_folder(folder).recordings
    assert found['video_0'].video == folder / 'video_0.mp4'
    assert found['video_0'].entry is not None


def test_labels_of_other_tiers_are_left_out_with_a_note(folder):
    data = small_annotations((24,))
    data['annotations'][0].update(frame_dir='other', label=np.zeros((2, 24), int))
    tiers = {'hand': ['rest', 'wave'], 'gaze': ['up', 'down']}
    classes = [f'{tier}: {name}' for tier, names in tiers.items() for name in names]
    data['metainfo'].update(tiers=tiers, classes=classes, background=None)
    data['split'] = {'train': ['other']}
    save_annotations(data, folder / 'b.pkl')
    opened = open_folder(folder)
    assert opened.project.recordings['other'].labels == [[]]
    assert any('other' in note and 'hand' in note for note in opened.notes)


NOT_ITS_OWN = ['', 'lock', 'job.log', 'files', 'models/a/log.txt', 'estimated/poses']


@pytest.mark.skipif(os.name == 'nt', reason='links need a privilege there')
@pytest.mark.parametrize('kind', ['link', 'dangling', 'pipe'])
@pytest.mark.parametrize('name', NOT_ITS_OWN)
def test_links_in_the_folder_of_the_studio_are_refused(tmp_path, folder, name, kind):
    """Somebody may have packed them into a folder that is passed on."""
    path, target = folder / 'studio' / name, tmp_path / 'other'
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == 'pipe':
        os.mkfifo(path)
    else:
        path.symlink_to(target)
    if kind == 'link':
        target.mkdir()
    with raises_naming(UserError, path, 'link'):
        open_folder(folder)
    assert [*target.iterdir()] == [] if kind == 'link' else not target.exists()
    assert not (folder / 'studio.json').exists()


@pytest.mark.skipif(os.name == 'nt', reason='links need a privilege there')
@pytest.mark.parametrize('kind', ['dangling', 'pipe'])
def test_video_that_is_no_file_is_noted(tmp_path, kind):
    """Also one that the project knows, which is not read when it is opened again."""
    path = tmp_path / 'take.mp4'
    save_video(path)
    save_walk(tmp_path / 'other.npz')
    open_folder(tmp_path).project.save()
    path.unlink()
    if kind == 'pipe':
        os.mkfifo(path)
    else:
        path.symlink_to(tmp_path / 'gone')
    folder = open_folder(tmp_path)
    assert list(folder.recordings) == ['other']
    assert any(str(path) in note for note in folder.notes)


def test_name_of_a_folder_that_cannot_be_printed_is_noted(tmp_path):
    save_walk(tmp_path / 'take.npz')
    save_walk(tmp_path / 'f\udcfcr' / 'other.npz')
    folder = open_folder(tmp_path)
    assert list(folder.recordings) == ['take']
    assert any('fcr' in note for note in folder.notes)
    json.dumps(folder.notes, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ('name', 'frames', 'fps', 'named'),
    [('video_0', 60, 10, ''), ('video_0', 3 * 10**9, 10, '3000000000'),
     ('video_0', 60, 20, '20'), ('take', 60, 10, ''), ('take', 10**17, 10, '60')],
)  # fmt: skip
def test_length_is_that_of_the_recording(folder, name, frames, fps, named):
    """What has no poses, or whose poses are in memory, is compared at once."""
    save_video(folder / 'take.mp4')
    project = open_folder(folder).project
    project.recordings[name].frames, project.recordings[name].fps = frames, fps
    project.recordings[name].labels = [[(0, 5, 1)]]
    project.save()
    studio = Studio(open_folder(folder), 'mediapipe', lambda: None)
    studio.close()
    notes = studio.project()['notes']
    assert (name in studio.folder.recordings) == (not named)
    assert bool(notes) == bool(named)
    for note in notes:
        assert_names(note, name, named, 'studio.json')


def test_length_of_poses_is_compared_before_anything_is_made_of_it(tmp_path):
    """Poses are read when a recording is opened; 24 GB would be asked for."""
    save_walk(tmp_path / 'take1.npz')
    project = open_folder(tmp_path).project
    project.recordings['take1'].frames = 3 * 10**9
    add_class(project, 'walk')
    add_class(project, 'lift')
    segments = [(0, 10**9, 0), (10**9, 2 * 10**9, 1)]
    project.replace('take1', 0, 0, 2 * 10**9, segments, 2)
    studio = Studio(open_folder(tmp_path), 'mediapipe', lambda: None)
    assert studio.project()['recordings'][0]['labelled'] == 2 * 10**8
    for use in (lambda: studio.recording(0), lambda: studio.train(1)):
        with raises_naming(UserError, 'take1.npz', '3000000000', '60'):
            use()
    for kind in ('csv', 'bouts', 'elan', 'boris', 'srt'):
        studio.write([kind], 'labels')


@pytest.mark.parametrize('kind', [np.int64, np.float32, int])
def test_lengths_of_an_annotation_file_may_be_numbers_of_numpy(tmp_path, kind):
    data = small_annotations((24,))
    data['annotations'][0].update(total_frames=np.int32(24), fps=kind(10))
    data['split'] = {'train': ['video_0']}
    save_annotations(data, tmp_path / 'annotations.pkl')
    open_folder(tmp_path).project.save()
    assert open_folder(tmp_path).notes == []


def test_missing_folder_is_named(tmp_path):
    with raises_naming(MissingFileError, tmp_path / 'none'):
        open_folder(tmp_path / 'none')


def test_video_of_changing_rate_is_converted(tmp_path):
    """Frame numbers say when a frame is only if all last equally long."""
    pytest.importorskip('av', reason='PyAV is not installed (extra app)')
    path = write_uneven_video(tmp_path / 'phone.mp4', 40)
    assert not is_playable(path)
    ConvertVideo(video=path, copy=tmp_path / 'copy.mp4').run(PrintedEvents())
    assert is_playable(tmp_path / 'copy.mp4')


def test_videos_that_browsers_refuse_are_converted_frame_by_frame(tmp_path):
    pytest.importorskip('av', reason='PyAV is not installed (extra app)')
    video, copy = tmp_path / 'take.mp4', tmp_path / 'copy.mp4'
    save_video(video)
    assert not is_playable(video)
    assert not is_playable(tmp_path / 'take.avi')
    ConvertVideo(video=video, copy=copy).run(PrintedEvents())
    assert is_playable(copy)
    assert VideoFile.open(copy).times().count == VideoFile.open(video).times().count
    assert is_copy(copy, video)
    # The video is replaced.
    os.utime(video, (0, 0))
    assert not is_copy(copy, video)
    assert not is_copy(tmp_path / 'other.mp4', video)
    # Without it, the copy can still be seen.
    video.unlink()
    assert is_copy(copy, video)


def test_objects_are_drawn_and_trained_on(tmp_path):
    """Those in files within the folder are no labels; others have none."""
    for name in ('take1', 'take2'):
        save_walk(tmp_path / f'{name}.npz', frames=20)
    tracks = tmp_path / 'tracks'
    tracks.mkdir()
    rows = [f'{frame},7,11,21,30,40,1,-1,-1,-1' for frame in range(1, 11)]
    (tracks / 'take1.txt').write_text('\n'.join(rows))
    given = {'objects': [str(tracks)], 'object_kinds': [['object', 'cup']]}
    folder = open_folder(tmp_path, given)
    assert replace(folder).notes == ['no objects of take2']
    add_class(folder.project, 'walk')
    data = training_data(folder, ['take1', 'take2'])
    assert list(data['metainfo']['objects']) == ['cup']
    first, second = (one['objects'] for one in data['annotations'])
    assert ([one['name'] for one in first], second) == (['cup 7'], [])
    save_annotations(data, tmp_path / 'elsewhere' / 'annotations.pkl')
    picture = folder.picture('take1')
    assert picture.objects == [('cup 7', '#E16978', 4)]
    assert picture.object_points[3].tolist() == [[10, 20], [40, 20], [40, 60], [10, 60]]
    assert np.isnan(picture.object_points[15]).all()
    assert picture.all_points.shape == (20, 17 + 4, 3)
    assert folder.picture('take2').objects == []


def test_objects_of_an_annotation_file_are_drawn(tmp_path):
    data = small_annotations((20,))
    data['split'] = {'train': ['video_0']}
    cup = {'name': 'cup', 'kind': 'cup', 'points': np.ones((20, 1, 2), np.float32)}
    cup['score'] = np.ones((20, 1), np.float32)
    data['annotations'][0]['objects'] = [cup]
    data['metainfo']['objects'] = {'cup': ['middle']}
    save_annotations(data, tmp_path / 'annotations.pkl')
    folder = open_folder(tmp_path)
    assert folder.picture('video_0').object_points.tolist() == [[[1, 1]]] * 20
    assert training_data(folder, ['video_0'])['metainfo']['objects'] == {
        'cup': ['middle']
    }


def test_picture_of_a_video_is_that_of_its_bodies(tmp_path):
    """An animal in a wide arena, in a corner of the video."""
    save_video(tmp_path / 'take1.mp4')
    video = small_annotations((60,))['annotations'][0]
    points = np.random.default_rng(0).uniform(2, 12, video['keypoint'].shape)
    video = {**video, 'keypoint': points, 'img_shape': (48, 64)}
    save_poses(tmp_path / 'take1.npz', video)
    left, top, right, bottom = open_folder(tmp_path).picture('take1').bounds
    assert 0 <= left < 3
    assert 0 <= top < 3
    assert 11 < right < 14
    assert 11 < bottom < 14


def test_limbs_are_guessed_from_distances_that_stay(tmp_path):
    """Of a chain of three joints, the distance of the ends changes."""
    video = small_annotations((60,))['annotations'][0]
    angle = np.linspace(0, np.pi, 60)
    tip = [20 + 5 * np.cos(angle), 10 + 5 * np.sin(angle)]
    ends = [np.full((2, 60), 10.0), np.tile([[20.0], [10.0]], 60), tip]
    points = np.transpose(ends, (2, 0, 1))[None]
    video = {**video, 'keypoint': points, 'keypoint_score': np.ones((1, 60, 3))}
    save_poses(tmp_path / 'take.npz', video)
    layout = {'joints': ['a', 'b', 'c'], 'limbs': []}
    picture = open_folder(tmp_path, {'skeleton': layout}).picture('take')
    assert picture.limbs == [(0, 1), (1, 2)]
