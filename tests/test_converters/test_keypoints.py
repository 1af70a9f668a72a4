"""The converter of keypoints and labels, on small files of several programs."""

import json
import shutil

import numpy as np
import pytest

from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.labels import (
    Segment,
    VideoSegments,
    write_boris,
    write_elan,
)
from mmskelseg_io.poses import Poses, write_npz
from mmskelseg_io.structures import Skeleton
from tests.errors import assert_names
from tests.test_converters.faults import text
from tests.test_labels.test_readers import SAMPLES
from tests.test_poses.trackers import SCORER, coco, deeplabcut

TOOL = 'tools/dataset_converters/keypoints.py'
FRAMES = 30
VIDEOS = ('take1', 'take2', 'take3')
CSV = 'start,end,label\n0,1,walk\n1,2.5,lift\n2.5,3,walk\n'
LABEL = [1] * 10 + [0] * 15 + [1] * 5  # At 10 fps, classes by alphabet.


def clear(folder):
    for file in folder.iterdir():
        file.unlink()


@pytest.fixture
def walk(rng):
    return rng.uniform((100, 50, 0.2), (300, 200, 1), (FRAMES, 17, 3)).round(3)


@pytest.fixture
def poses(walk, tmp_path):
    """A folder with the poses of three videos in COCO's format."""
    folder = tmp_path / 'poses'
    folder.mkdir()
    for name in VIDEOS:
        (folder / f'{name}.json').write_text(json.dumps(coco(walk, score=0.9)))
    return folder


@pytest.fixture
def labels(tmp_path):
    """A folder with a table of segments for each video."""
    folder = tmp_path / 'labels'
    folder.mkdir()
    for name in VIDEOS:
        (folder / f'{name}.csv').write_text(CSV)
    return folder


@pytest.fixture
def project(labels):
    """Write a BORIS project in place of the tables; return its path."""

    def write(segments, fps=10, names=VIDEOS):
        clear(labels)
        videos = [
            VideoSegments(name, segments, fps, 3 * fps, f'{name}.mp4') for name in names
        ]
        classes = sorted({segment.label for segment in segments})
        write_boris(labels / 'project.boris', videos, classes)
        return labels / 'project.boris'

    return write


@pytest.fixture
def convert(call_tool, poses, labels, tmp_path):
    """Run the tool on poses and labels at 10 fps; return annotations and output."""

    def run(*options, code=0, keypoints=(poses,), fps=('--fps', 10)):
        done = call_tool(
            TOOL, *keypoints, tmp_path / 'out', '--labels', labels, *fps, *options,
            code=code,
        )  # fmt: skip
        if code:
            return None, done.stderr
        return load_annotations(tmp_path / 'out/annotations.pkl'), done.stdout

    return run


def test_conversion_joins_poses_and_labels(
    walk, poses, labels, convert, tmp_path, run_tool
):
    """A second run, of another process, writes the same bytes."""
    done = run_tool(
        TOOL, poses, tmp_path / 'out', '--labels', labels, '--fps', 10, '--folds', 3
    )
    data = load_annotations(tmp_path / 'out/annotations.pkl')
    meta = data['metainfo']
    assert (meta['classes'], meta['skeleton'], meta['dataset']) == (
        ['lift', 'walk'], 'coco17', 'out'
    )  # fmt: skip
    assert data['split']['test'] == ['take3']
    assert data['split']['fold2/test'] == ['take2']
    video = data['annotations'][0]
    assert (video['frame_dir'], video['fps'], video['total_frames']) == (
        'take1', 10, FRAMES
    )  # fmt: skip
    np.testing.assert_array_equal(video['label'], LABEL)
    np.testing.assert_allclose(video['keypoint'][0], walk[..., :2], rtol=1e-6)
    height, width = video['img_shape']
    assert walk[..., 1].max() < height < walk[..., 1].max() + 3
    assert walk[..., 0].max() < width < walk[..., 0].max() + 3
    assert done.stdout.startswith(
        'frames are numbered by image_id, from 0\n17 joints without names are assumed '
        'to be those of COCO\n'
        'image size is unknown, estimated from the extent of the joints\n'
        'view from the side, since most bodies point in one direction of the image '
        '(--view)\n'
        '3 videos, 90 frames at 10 fps, 2 classes, 9 segments\n'
    )
    assert done.stdout.endswith('segments of each class: lift (3), walk (6)\n')
    assert meta['notes'][0] == 'frames are numbered by image_id, from 0'
    first = (tmp_path / 'out/annotations.pkl').read_bytes()
    convert('--folds', 3)
    assert (tmp_path / 'out/annotations.pkl').read_bytes() == first


def test_rates_of_labels_and_poses_may_differ(convert, labels):
    """Lines at 20 fps label poses at 10; other videos keep their own files."""
    (labels / 'take2.csv').unlink()
    lines = ['walk'] * 20 + ['lift'] * 30 + ['walk'] * 10
    (labels / 'take2.txt').write_text('\n'.join(lines) + '\n')
    _, error = convert(code=1)
    assert '60 lines, but 30 frames of poses at 10 fps; give' in error
    data, output = convert('--label-fps', 20)
    np.testing.assert_array_equal(data['annotations'][1]['label'], LABEL)
    assert 'labels at 20 fps applied to poses at 10 fps (take2)\n' in output


def test_lines_of_the_poses_own_rate_need_none(convert, labels):
    for name in VIDEOS:
        (labels / f'{name}.csv').unlink()
        (labels / f'{name}.txt').write_text('\n'.join(['lift'] * 9 + ['walk'] * 21))
    data, output = convert()
    np.testing.assert_array_equal(data['annotations'][2]['label'], [0] * 9 + [1] * 21)
    assert 'applied' not in output


WALK_AND_LIFT = [
    Segment(0, 1, 'walk'), Segment(1, 2.5, 'lift'), Segment(2.5, 3, 'walk')
]  # fmt: skip


@pytest.mark.parametrize('kind', ['boris', 'elan'])
def test_labels_of_a_project_or_of_a_file_for_each_video_are_read(
    kind, convert, project, labels
):
    for file in [*labels.iterdir()] * (kind == 'elan'):
        video = VideoSegments(file.stem, WALK_AND_LIFT, 25, 75, f'{file.stem}.mp4')
        write_elan(file.with_suffix('.eaf'), video, ['walk', 'lift'])
        file.unlink()
    if kind == 'boris':
        project(WALK_AND_LIFT, fps=25)
    for video in convert()[0]['annotations']:
        np.testing.assert_array_equal(video['label'], LABEL)


@pytest.mark.parametrize(
    ('options', 'classes', 'expected'),
    [
        (('--unlabelled', 'ignore'), ['lift', 'walk'], -1),
        (
            ('--unlabelled', 'background', '--background', 'idle'),
            ['lift', 'walk', 'idle'],
            2,
        ),
        (
            ('--unlabelled', 'background', '--background', 'walk',
             '--classes', 'walk', 'lift'),
            ['walk', 'lift'],
            0,
        ),
    ],
)  # fmt: skip
def test_frames_without_label_are_what_is_asked(
    options, classes, expected, convert, labels
):
    (labels / 'take1.csv').write_text('start,end,label\n0,1,walk\n2,3,lift\n')
    data, _ = convert(*options)
    assert data['metainfo']['classes'] == classes
    assert (data['annotations'][0]['label'][10:20] == expected).all()
    assert (data['annotations'][0]['label'][:10] == classes.index('walk')).all()


def test_classes_without_a_frame_are_named(convert):
    """Such as a background that no frame has, or one that is misspelt."""
    note = 'classes without a frame: idle'
    assert f'{note}\n' in convert('--background', 'idle')[1]
    data, output = convert('--classes', 'walk', 'lift', 'idle')
    assert note in data['metainfo']['notes']
    assert 'without a frame' not in convert()[1]


def test_segments_that_touch_are_counted(convert, labels):
    """Those of one class, which frames cannot keep apart."""
    rows = 'start,end,label\n0,1,walk\n1,2,walk\n2,3,lift\n'
    for name in ('take2', 'take3'):
        (labels / f'{name}.csv').write_text(rows)
    data, output = convert()
    note = (
        '2 segments of 2 recordings joined with a neighbour of the same class, first '
        'in take2'
    )
    assert f'{note}\n' in output
    assert note in data['metainfo']['notes']


@pytest.mark.parametrize(('end', 'options'), [(7.9, ()), (20, ('--clip-labels',))])
def test_labels_after_the_end_are_cut_and_counted(convert, labels, end, options):
    """Recordings last for 3 s; less than a second more is no mistake."""
    rows = f'start,end,label\n0,2,walk\n2,{end},lift\n{end - 3},{end},walk\n'
    short = 'start,end,label\n0,3.9,walk\n'
    for name, own in (('take1', rows), ('take2', short)):
        (labels / f'{name}.csv').write_text(own)
    data, output = convert(*options, '--overlap', 'later')
    assert '2 segments of 1 recording cut, since' in output
    lift, walk = map(data['metainfo']['classes'].index, ('lift', 'walk'))
    assert data['annotations'][0]['label'].tolist() == [walk] * 20 + [lift] * 10


def test_view_of_the_camera_can_be_stated(convert):
    """The bodies here are wider than high."""
    assert convert()[0]['metainfo']['view'] == 'side'
    data, output = convert('--view', 'top')
    assert data['metainfo']['view'] == 'top'
    assert '--view' not in output


def test_joints_with_low_scores_can_be_left_out(convert, walk, poses):
    """And models know it, so that new videos are treated alike."""
    for name in VIDEOS:
        (poses / f'{name}.json').unlink()
        np.savez(
            poses / f'{name}.npz', keypoint=walk[None, ..., :2],
            keypoint_score=walk[None, ..., 2],
        )  # fmt: skip
    data, _ = convert('--kpt-thr', 0.6, '--size', '400x300')
    assert data['metainfo']['kpt_thr'] == 0.6
    low = walk[..., 2] < 0.6
    video = data['annotations'][0]
    np.testing.assert_array_equal(video['keypoint_score'][0] == 0, low)
    assert not video['keypoint'][0][low].any()
    assert 'kpt_thr' not in convert('--size', '400x300')[0]['metainfo']


def test_one_recording_is_split_in_time(convert, poses, labels, walk):
    """Of 30 frames, 21 to train and the last 8 to test."""
    for folder in (poses, labels):
        for name in VIDEOS[1:]:
            next(folder.glob(f'{name}.*')).unlink()
    data, output = convert()
    assert data['split'] == {'train': ['take1_begin'], 'test': ['take1_end']}
    begin, _, end = data['annotations']
    assert begin['label'].tolist() == LABEL[:21]
    assert end['label'].tolist() == LABEL[22:]
    np.testing.assert_allclose(end['keypoint'][0], walk[22:, :, :2], rtol=1e-6)
    assert 'a single recording is split in time: 70 % to train' in output


def test_labels_state_the_rate_of_poses_that_have_none(convert, project):
    """BORIS knows the frame rate of its media."""
    project([Segment(0, 3, 'walk')], names=[f'{name}_reencoded' for name in VIDEOS])
    data, output = convert(fps=())
    assert [v['frame_dir'] for v in data['annotations']] == list(VIDEOS)
    assert {v['fps'] for v in data['annotations']} == {10.0}
    assert 'poses without a frame rate: 10 fps, as the labels state\n' in output


def test_classes_may_stand_in_a_file(convert, tmp_path):
    (tmp_path / 'classes.txt').write_text('walk\nlift\nrest\n')
    data, _ = convert('--classes', tmp_path / 'classes.txt')
    assert data['metainfo']['classes'] == ['walk', 'lift', 'rest']


def test_videos_give_size_rate_and_length(convert, poses, walk, clip, tmp_path):
    """Nobody is seen at the end of take2, so that its results stop early."""
    (poses / 'take2.json').write_text(json.dumps(coco(walk[:-2])))
    folder = tmp_path / 'videos'
    for name in VIDEOS:
        clip(f'videos/cam_{name}.mp4', FRAMES, img_shape=(48, 64))
    data, output = convert('--videos', folder, fps=())
    video = data['annotations'][1]
    assert (video['img_shape'], video['fps']) == ((48, 64), 10)
    assert video['filename'] == '../videos/cam_take2.mp4'
    assert video['keypoint_score'].shape == (1, FRAMES, 17)
    assert not video['keypoint_score'][0, -2:].any()
    assert 'up to the end of the video (take2)' in output
    (poses / 'take2.json').write_text(json.dumps(coco(walk[::2])))
    _, error = convert('--videos', folder, fps=(), code=1)
    assert '15 frames of poses, but ' in error
    assert 'may be 5, or 10 if nobody is seen in the rest' in error


def test_one_of_several_people_is_chosen(convert, poses, walk):
    """By default the longest track; the choice is kept in the annotations."""
    passer_by = walk[:5] * (1, 3, 1)
    passer_by[..., 0] += 400
    content = coco(passer_by, score=0.9) + coco(walk, score=0.2)
    (poses / 'take1.json').write_text(json.dumps(content))
    data, output = convert()
    np.testing.assert_allclose(
        data['annotations'][0]['keypoint'][0], walk[..., :2], rtol=1e-6
    )
    assert 'the longest of 2 tracks linked by overlap (take1)' in output
    assert data['metainfo']['person'] == 'track'
    data, _ = convert('--person', 'largest')
    keypoint = data['annotations'][0]['keypoint'][0]
    np.testing.assert_allclose(keypoint[:5], passer_by[..., :2], rtol=1e-6)
    data, _ = convert('--person', 'all')
    assert data['annotations'][0]['keypoint'].shape[0] == 2
    # So each of them is seen for over two seconds.
    data, _ = convert('--others', '--unlabelled', 'ignore', fps=('--fps', 2))
    assert data['annotations'][0]['individual'] == 0
    first, other = data['annotations'][0]['keypoint']
    np.testing.assert_allclose(first, walk[..., :2], rtol=1e-6)
    np.testing.assert_allclose(other[:5], passer_by[..., :2], rtol=1e-6)


@pytest.fixture
def dlc(walk, tmp_path):
    """Write DeepLabCut's CSV files of an animal with these parts; return the folder."""

    def write(*parts):
        folder = tmp_path / 'dlc'
        folder.mkdir()
        values = walk[:, : len(parts)].reshape(FRAMES, -1)
        for name in VIDEOS:
            deeplabcut(folder / f'{name}{SCORER}.csv', values, parts=parts)
        return folder

    return write


def test_deeplabcut_keeps_its_layout_or_takes_that_of_coco(
    convert, dlc, walk, tmp_path
):
    folder = dlc('snout', 'KneeL', 'KneeR')
    data, output = convert(keypoints=(folder,))
    skeleton = data['metainfo']['skeleton']
    assert (skeleton['joints'], skeleton['flip_pairs']) == (
        ['snout', 'KneeL', 'KneeR'], [[1, 2]]
    )  # fmt: skip
    assert '(--skeleton)' in output
    data, _ = convert('--coco17', '--part', 'snout=nose', keypoints=(folder,))
    assert data['metainfo']['skeleton'] == 'coco17'
    keypoint = data['annotations'][0]['keypoint'][0]
    np.testing.assert_allclose(keypoint[:, [0, 13, 14]], walk[:, :3, :2], rtol=1e-6)
    layout = tmp_path / 'mouse.json'
    layout.write_text(
        '{"joints": ["KneeL", "snout", "KneeR"], "limbs": [[0, 1], [1, 2]]}'
    )
    data, _ = convert('--skeleton', layout, keypoints=(folder,))
    assert data['metainfo']['skeleton']['limbs'] == [[0, 1], [1, 2]]
    keypoint = data['annotations'][0]['keypoint'][0]
    np.testing.assert_allclose(keypoint, walk[:, [1, 0, 2], :2], rtol=1e-6)
    layout.write_text('{"joints": ["KneeR", "snout"], "limbs": [[0, 1]]}')
    data, output = convert('--skeleton', layout, keypoints=(folder,))
    keypoint = data['annotations'][0]['keypoint'][0]
    np.testing.assert_allclose(keypoint, walk[:, [2, 0], :2], rtol=1e-6)
    assert 'KneeL' in output


@pytest.mark.parametrize(
    ('content', 'named'),
    [
        ('{"joints": ["nose", "tail"]}', 'has joints, | limbs'),
        ('["nose", "tail"]', "['nose', 'tail'] | limbs"),
        ('{"joints": ["nose", "tail"], "limbs": [[1, 2]]}', '(1, 2) | 0 to 1'),
    ],
)
def test_file_that_states_no_skeleton_is_named(content, named, convert, tmp_path):
    path = tmp_path / 'mouse.json'
    path.write_text(content)
    _, error = convert('--skeleton', path, code=2)
    assert_names(error, path, named)


def test_a_project_is_read_as_far_as_it_fits(convert, project):
    """What is left out is printed and kept; `--strict` and names want all of it."""
    path = project([Segment(0, 3, 'walk')])
    content = json.loads(path.read_text())
    observations = content['observations']
    observations['broken off'] = {'events': observations['take1']['events'][:1]}
    path.write_text(json.dumps(content))
    data, output = convert()
    note = (
        f"{path}: 1 of 4 observations are left out: 'broken off' (the state 'walk' "
        'that starts at 0.000 s has no end)'
    )
    assert output.startswith(f'{note}\n')
    assert data['metainfo']['notes'][0] == note
    assert len(data['annotations']) == 3
    _, error = convert('--strict', code=1)
    assert "observation 'broken off': the state 'walk'" in error
    named = [f'--label-option=observation={name}' for name in ('take1', 'take3')]
    data, output = convert(*named, '--skip-unpaired')
    assert [video['frame_dir'] for video in data['annotations']] == ['take1', 'take3']
    assert 'left out' not in output
    _, error = convert('--label-option=subject=a', '--label-option=subject=b', code=1)
    assert '--label-option subject is given twice' in error


def test_why_poses_lack_labels_is_told(convert, project, logged):
    """The observation of take3 is left out, since a state in it has no end."""
    path = project([Segment(0, 3, 'walk')])
    content = json.loads(path.read_text())
    del content['observations']['take3']['events'][1:]
    path.write_text(json.dumps(content))
    _, error = convert(code=1)
    assert 'no labels of take3 (' in error
    (record,) = logged.records
    assert_names(record.getMessage(), path, "'take3' (the state 'walk' | has no end")


def test_names_that_tools_give_their_files_are_no_names_of_videos(
    convert, poses, labels, walk
):
    """AlphaPose's is the same in each folder; before DLC there may be nothing."""
    folder = poses / 'take1'
    folder.mkdir()
    (poses / 'take1.json').rename(folder / 'alphapose-results.json')
    (poses / 'take2.json').rename(poses / 'DLC_take2_tracks.json')
    (labels / 'take2.csv').rename(labels / 'DLC_take2_tracks.csv')
    data, _ = convert(keypoints=(folder, poses))
    assert [video['frame_dir'] for video in data['annotations']] == [
        'DLC_take2_tracks', 'take1', 'take3'
    ]  # fmt: skip


def test_hidden_files_are_no_poses_labels_or_videos(convert, poses, labels, clip):
    """As macOS writes them to disks of other systems: ._take1.csv."""
    for name in VIDEOS:
        video = clip(f'videos/{name}.mp4', FRAMES)
        for path in (poses / f'{name}.json', labels / f'{name}.csv', video):
            path.with_name(f'._{path.name}').write_bytes(b'\0\5\x16\7')
    data, _ = convert('--videos', video.parent)
    assert [video['frame_dir'] for video in data['annotations']] == [*VIDEOS]


def test_what_segment_writes_for_programs_is_not_read_as_labels(convert, labels):
    """A folder of predictions that were corrected, as tables, has it, too."""
    (labels / 'take1_segments.json').write_text('{"frame_dir": "take1"}')
    data, _ = convert()
    assert len(data['annotations']) == len(VIDEOS)


def test_labels_may_have_the_name_of_the_poses_and_more(convert, labels):
    for file in list(labels.iterdir()):
        file.rename(file.with_stem(f'{file.stem}_labels'))
    data, _ = convert()
    assert [video['frame_dir'] for video in data['annotations']] == [*VIDEOS]


def test_names_pair_whatever_their_unicode_form(convert, poses, labels):
    """macOS writes the accent of a name as a character of its own."""
    (poses / 'take2.json').rename(poses / 'tak\u00e92.json')
    (labels / 'take2.csv').rename(labels / 'take\u03012.csv')
    data, _ = convert()
    assert len(data['annotations']) == 3


def test_files_without_a_partner_are_named_or_left_out(convert, labels):
    (labels / 'take2.csv').rename(labels / 'take9.csv')
    _, error = convert(code=1)
    assert 'no keypoints of take9 in ' in error
    assert 'the first of 2: keypoints without labels' in error
    assert 'without labels are take2, labels without keypoints take9; rename' in error
    data, output = convert('--skip-unpaired')
    assert [video['frame_dir'] for video in data['annotations']] == ['take1', 'take3']
    assert 'no labels of take2 (' in output


def another_layout(root):
    (root / 'poses/take2.json').unlink()
    text('poses/take2.csv', 'frame,nose_x,nose_y\n29,1,2\n')(root)


def table(*rows):
    return text('labels/take1.csv', '\n'.join(['start,end,label', *rows, '']))


def keep(root):
    pass


OTHER = json.dumps(coco(np.ones((FRAMES, 15, 3))))
ONE, TWO = 'poses/take1.json', 'poses/take2.json'
FAULTS = [
    (lambda root: clear(root / 'poses'), '', '/poses: | .json'),
    (lambda root: clear(root / 'labels'), '', '/labels: | .boris'),
    (
        text('poses/take1.csv', 'frame,nose_x,nose_y\n0,1,2\n'),
        '',
        '/take1.json | video take1 | /poses/*.json',
    ),
    (
        text('poses/take1_keypoints.json', '[]'),
        '',
        '/take1.json | take1_keypoints.json | take1; name one of them.',
    ),
    (text('labels/take1.txt', 'walk\n'), '', 'take1.csv | take1.txt | take1.json'),
    (
        text(
            'labels/take1.csv',
            'video,start,end,label\na/take1,0,3,walk\nb/take1,0,3,walk\n',
        ),
        '',
        'a/take1 | b/take1 | /take1.csv',
    ),
    (text(ONE, '[{"image_id": 0'), '', f'/{ONE}: line 1, col'),
    (text(TWO, OTHER), '--skeleton coco17', '15 joints | coco17 | 17'),
    (another_layout, '', '/take2.csv | take1 | left_eye'),
    (table('0,1,walk', '1.5,3,lift'), '', "take1.csv | from 1.000 to 1.500 s | 'walk'"),
    (table('0,2,walk', '1,3,lift'), '--overlap error', 'overlap from 1.000 to 2.000 s'),
    (
        table('0,2.1,walk', '2,3,lift'),
        '',
        "'walk' (0.000 to 2.100 s) and 'lift' (2.000",
    ),
    (
        table('0,9,walk'),
        '',
        "'walk' (0.000 to 9.000 s) | lasts 3 | --clip-labels",
    ),
    (keep, '--classes walk run', "'lift' (1.000 to 2.500 s)"),
    (keep, '--unlabelled background', '--background NAME'),
    (keep, '--person ann', 'no person ann'),
    (keep, '--label-option teir=a', '--label-option teir'),
    (keep, '--pose-format mmpose', '/take1.json: [0] lacks instances'),
    (text('out', ''), '', '/out: a file'),
    (keep, '', 'take1.json: has no frame rate; give it (--fps'),
]


@pytest.mark.parametrize(('change', 'options', 'named'), FAULTS)
def test_fault_is_one_sentence(change, options, named, convert, tmp_path):
    change(tmp_path)
    fps = () if named.startswith('take1.json: has no') else ('--fps', 10)
    _, error = convert(*options.split(), code=1, fps=fps)
    assert_names(error, named)
    assert error.count('\n') == 1


def test_named_layout_agrees_with_its_joints(walk, labels, tmp_path, run_tool):
    """As where corrected predictions join the poses that `mmskelseg poses` wrote."""
    layout = Skeleton.get('coco17')
    folder = tmp_path / 'poses'
    folder.mkdir()
    for name in VIDEOS:
        joints = {'joints': list(layout.joints), 'limbs': list(layout.limbs)}
        skeleton, rate = (joints, 11) if name == 'take1' else ('coco17', 10)
        poses = Poses(
            walk[None, ..., :2], walk[None, ..., 2], skeleton, (240, 320), rate
        )
        write_npz(poses, folder / f'{name}.npz')
    done = run_tool(TOOL, folder, tmp_path / 'data', '--labels', labels)
    assert '3 videos, 90 frames at 10, 11 fps' in done.stdout
    data = load_annotations(tmp_path / 'data' / 'annotations.pkl')
    assert data['metainfo']['skeleton'] == 'coco17'


@pytest.fixture
def sample(convert, labels):
    """Convert with a sample of labels in place of the tables."""

    def run(name, *options, **more):
        clear(labels)
        shutil.copy(SAMPLES / name, labels)
        return convert('--skip-unpaired', *options, **more)

    return run


def runs(*lengths):
    """Return labels of runs of 0, 1, 0, 1 ..."""
    return np.repeat(np.arange(len(lengths)) % 2, lengths).tolist()


def test_overlapping_states_of_boris_are_converted_to_tiers(sample):
    """The category without an overlap is one; `chew` is within `sniff`."""
    data, output = sample('overlapping.boris')
    meta = data['metainfo']
    assert meta['classes'] == [
        'chew: no chew', 'chew: chew', 'drink: no drink', 'drink: drink',
        'posture: sit', 'posture: stand', 'sniff: no sniff', 'sniff: sniff',
    ]  # fmt: skip
    assert meta['background'] == {
        'chew': 'no chew', 'drink': 'no drink', 'posture': None, 'sniff': 'no sniff'
    }  # fmt: skip
    assert meta['colors'] == {'sniff: sniff': '#aa00aa'}
    begin, _, end = (video['label'].tolist() for video in data['annotations'])
    assert begin == [
        runs(5, 2, 14), runs(21), runs(0, 12, 8, 1), runs(4, 4, 2, 11)
    ]  # fmt: skip
    assert end == [runs(8), runs(2, 2, 4), runs(0, 8), runs(8)]
    for line in (
        "classes that overlap get tiers of their own; the first: 'stand' (0.000 to "
        "1.200 s) and 'sniff' (0.400 to 0.800 s) in take1 (--overlap)",
        'tiers: chew (no chew, chew); drink (no drink, drink); posture (sit, stand); '
        'sniff (no sniff, sniff)',
        '3 videos, 30 frames at 10 fps, 8 classes, 21 segments',
    ):
        assert f'{line}\n' in output
    assert (
        'each class: chew: no chew (2), chew: chew (1), drink: no drink (2)' in output
    )


def test_tiers_of_elan_are_converted(sample):
    data, _ = sample('tiers.eaf', '--background', 'rest')
    meta = data['metainfo']
    assert meta['tiers'] == {
        'left hand': ['reach', 'rest'], 'right hand': ['reach', 'rest']
    }  # fmt: skip
    assert meta['background'] == {'left hand': 'rest', 'right hand': 'rest'}
    begin, _, end = (video['label'].tolist() for video in data['annotations'])
    assert begin == [runs(0, 10, 11), runs(0, 12, 8, 1)]
    assert end == [runs(8), runs(0, 8)]
    data, _ = sample('tiers.eaf', '--label-option', 'tier=left hand')
    assert data['metainfo']['classes'] == ['reach', 'rest']
    assert data['annotations'][0]['label'].tolist() == begin[0]


TABLE = 'video,name,shape,x,y\n{0},lamp,point,7,8\n{1},lamp,point,9,8\n'


def test_places_of_a_camera_are_those_of_all_videos(convert, tmp_path):
    path = tmp_path / 'places.csv'
    path.write_text(
        'name,shape,x,y\nlamp,point,9999,8\n20 cm,line,0,0\n20 cm,line,0,9\n'
    )
    data, output = convert('--places', path)
    assert [one['name'] for one in data['metainfo']['places']] == ['lamp', '20 cm']
    assert 'places: lamp; known lengths: 20 cm\n' in output
    assert "'lamp' lies outside the " in output


def test_places_of_videos_are_given_to_those_of_their_name(convert, tmp_path):
    path = tmp_path / 'places.csv'
    path.write_text(TABLE.format(VIDEOS[0], ''))
    data, _ = convert('--places', path)
    assert 'places' not in data['metainfo']
    x = [video['places'][0]['points'][0][0] for video in data['annotations']]
    assert x == [7, 9, 9]
    path.write_text(TABLE.format(*VIDEOS[:2]))
    _, error = convert('--places', path, code=1)
    assert_names(error, f'{path} | {VIDEOS[2]!r}')


@pytest.fixture
def tracks(tmp_path):
    """A folder with the tracks of a cup (1) and a pen (2) in two of the videos."""
    folder = tmp_path / 'tracks'
    folder.mkdir()
    for name in VIDEOS[:2]:
        rows = [
            f'{frame + 1},{k},{11 + frame},21,30,40,0.{4 + k},{k}'
            for frame in range(FRAMES) for k in (1, 2)
        ]  # fmt: skip
        (folder / f'{name}_tracks.txt').write_text('\n'.join(rows))
    (folder / 'take3.txt').write_text('')
    return folder


def test_objects_are_converted_with_the_poses_of_their_name(tracks, convert):
    data, output = convert('--objects', tracks, '--object-kinds', '1=cup', 2)
    box = ['top left', 'top right', 'bottom right', 'bottom left']
    assert data['metainfo']['objects'] == {'cup': box, '2': box}
    assert 'objects of each kind: cup (2), 2 (2)\n' in output
    first, _, last = data['annotations']
    assert last['objects'] == []
    cup, pen = first['objects']
    assert (cup['name'], cup['kind'], pen['name']) == ('cup 1', 'cup', '2 2')
    assert cup['points'].shape == (FRAMES, 4, 2)
    assert cup['points'][5].tolist() == [[15, 20], [45, 20], [45, 60], [15, 60]]
    np.testing.assert_allclose(cup['score'], 0.5)


def test_objects_may_be_chosen_by_kind_and_score(tracks, convert):
    data, _ = convert('--objects', tracks, '--object-thr', 0.55)
    assert list(data['metainfo']['objects']) == ['2']
    data, _ = convert('--objects', tracks, '--object-kinds', 1)
    assert list(data['metainfo']['objects']) == ['1']


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        (('--object-kinds', 'cup'), '--object-kinds cup | 1, 2'),
        (('--object-format', 'yolo'), 'take1_tracks.txt'),
    ],
)
def test_wrong_choices_of_objects_are_named(options, named, tracks, convert):
    _, error = convert('--objects', tracks, *options, code=1)
    assert_names(error, named)


def test_a_recording_without_a_file_of_objects_is_named(tracks, convert):
    (tracks / 'take3.txt').unlink()
    _, error = convert('--objects', tracks, code=1)
    assert_names(error, 'take3 | take1_tracks | take2_tracks')
    data, output = convert('--objects', tracks, '--skip-unpaired')
    assert data['annotations'][2]['objects'] == []
    assert 'no objects (take3)' in output


def test_fractions_of_an_image_of_unknown_size_are_refused(poses, convert, tmp_path):
    for file in sorted(poses.iterdir())[1:]:
        file.unlink()
    folder = tmp_path / 'take1'
    folder.mkdir()
    (folder / 'take1_1.txt').write_text('0 0.5 0.5 0.1 0.1\n')
    options = ('--objects', folder, '--skip-unpaired')
    _, error = convert(*options, code=1)
    assert_names(error, str(folder), '--size')
    data, _ = convert(*options, '--size', '400x200')
    (thing,) = data['annotations'][0]['objects']
    np.testing.assert_allclose(thing['points'][0, 0], [180, 90], rtol=1e-5)
