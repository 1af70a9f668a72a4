"""The converter of Desktop Assembly, on small files in the layout of its authors."""

import numpy as np
import pytest

from mmskelseg.runtime.files.annotations import load_annotations

TOOL = 'tools/dataset_converters/desktop_assembly.py'
FRAMES = 8
VIDEOS = [f'2020-04-{day:02d}_14-03-25' for day in range(1, 8)]


@pytest.fixture
def release(tmp_path, rng):
    """Seven videos that pick up a lid (20), close it (21) and rest (22)."""
    root = tmp_path / 'release'
    for part in ('groundTruth', 'keypoints'):
        (root / part).mkdir(parents=True)
    lines = ['Pick_up_lid'] * 3 + ['Close_lid'] * 4 + ['Background']
    for video in VIDEOS:
        (root / 'groundTruth' / video).write_text('\n'.join(lines) + '\n')
        pose = rng.uniform((0, 0, 0.1), (640, 480, 1), (FRAMES, 17, 3))
        np.save(root / f'keypoints/{video}.npy', pose)
    return root


def test_conversion_keeps_poses_and_labels(release, tmp_path, run_tool):
    """Published names stand in for a mapping; NaN is a missing joint."""
    path = release / f'keypoints/{VIDEOS[1]}.npy'
    pose = np.load(path)
    pose[3, 9] = np.nan
    np.save(path, pose)
    done = run_tool(TOOL, release, tmp_path / 'out')
    data = load_annotations(tmp_path / 'out/annotations.pkl')
    assert len(data['metainfo']['classes']) == 23
    assert data['metainfo']['skeleton'] == 'coco17'
    assert data['split']['test'] == [VIDEOS[4]]
    assert 'every fifth' in data['metainfo']['assumed']['split']
    video = data['annotations'][1]
    np.testing.assert_array_equal(video['label'], [20] * 3 + [21] * 4 + [22])
    assert video['keypoint_score'][0, 3, 9] == 0
    pose[3, 9] = 0
    np.testing.assert_allclose(video['keypoint'][0], pose[..., :2], rtol=1e-6)
    np.testing.assert_allclose(video['keypoint_score'][0], pose[..., 2], rtol=1e-6)
    assert done.stdout.startswith(
        '7 videos, 56 frames at 10 fps (assumed), 23 classes, 21 segments\n'
    )


def test_conversion_takes_what_the_release_or_the_user_has(
    release, tmp_path, call_tool
):
    """A mapping, bundles of splits, texts with an ending, size, rate, background."""
    (release / 'mapping').mkdir()
    (release / 'mapping/mapping.txt').write_text(
        '0 Background\n1 Close_lid\n2 Pick_up_lid\n'
    )
    label = release / 'groundTruth' / VIDEOS[0]
    label.rename(label.with_name(f'{VIDEOS[0]}.txt'))
    (release / 'splits').mkdir()
    for split, cut in ((1, 2), (2, 4)):
        for part, names in (('test', VIDEOS[:cut]), ('train', VIDEOS[cut:])):
            bundle = release / f'splits/{part}.split{split}.bundle'
            bundle.write_text(''.join(f'{name}.txt\n' for name in names))
    (release / 'keypoints').rename(tmp_path / 'hrnet')
    call_tool(
        TOOL, release, tmp_path / 'out', '--keypoints', tmp_path / 'hrnet',
        '--size', '1280x720', '--fps', '15', '--background', 'Background',
    )  # fmt: skip
    data = load_annotations(tmp_path / 'out/annotations.pkl')
    assert data['metainfo']['classes'] == ['Background', 'Close_lid', 'Pick_up_lid']
    assert data['metainfo']['background'] == 'Background'
    assert data['split']['test'] == data['split']['split1/test'] == VIDEOS[:2]
    assert data['split']['split2/train'] == VIDEOS[4:]
    video = data['annotations'][0]
    np.testing.assert_array_equal(video['label'], [2] * 3 + [1] * 4 + [0])
    assert (video['img_shape'], video['fps']) == ((720, 1280), 15)


def test_conversion_writes_the_same_bytes_each_time(release, tmp_path, run_tool):
    for seed in '12':
        run_tool(TOOL, release, tmp_path / seed, env={'PYTHONHASHSEED': seed})
    first, second = ((tmp_path / seed / 'annotations.pkl') for seed in '12')
    assert first.read_bytes() == second.read_bytes()


def save(array):
    return lambda root: np.save(root / f'keypoints/{VIDEOS[1]}.npy', array)


def score(value):
    pose = np.ones((FRAMES, 17, 3))
    pose[5, 7, 2] = value
    return save(pose)


def text(name, content):
    def change(root):
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)

    return change


def bundles(train, test):
    def change(root):
        text('splits/train.split1.bundle', train)(root)
        text('splits/test.split1.bundle', test)(root)

    return change


LABEL, POSE = f'groundTruth/{VIDEOS[1]}', f'keypoints/{VIDEOS[1]}.npy'
FAULTS = {
    'no labels': (
        lambda root: (root / 'groundTruth').rename(root / 'labels'),
        '/groundTruth: no such folder',
    ),
    'no poses': (
        lambda root: (root / 'keypoints').rename(root / 'poses'),
        '/keypoints: no such folder',
    ),
    'no pose': (lambda root: (root / POSE).unlink(), f'/{POSE}: missing'),
    'two texts of a video': (
        text(f'{LABEL}.txt', 'Background\n'),
        '/groundTruth: 8 files for 7 videos; keep one of VIDEO and VIDEO.txt',
    ),
    'class without a name': (
        text(LABEL, 'Pick_up_lid\nSleep\n'),
        f"/{LABEL}: line 2 is 'Sleep', the first of 1 that are not a class",
    ),
    'too few labels': (
        text(LABEL, 'Pick_up_lid\n'),
        f"/{LABEL}: video '{VIDEOS[1]}': label has shape (1,), but keypoint has 8",
    ),
    'other joints': (
        save(np.ones((FRAMES, 15, 3))),
        f'/{POSE}: an array of float64 with shape (8, 15, 3), expected floats of',
    ),
    'truncated pose': (
        lambda root: (root / POSE).write_bytes((root / POSE).read_bytes()[:-9]),
        f'/{POSE}: not a complete .npy file of numbers',
    ),
    'negative score': (
        score(-0.5),
        f"/{POSE}: video '{VIDEOS[1]}': keypoint_score is -0.5 in frame 5, joint 7",
    ),
    'mapping with a gap': (
        text('mapping.txt', '0 Pick_up_lid\n2 Close_lid\n'),
        '/mapping.txt: the ids are 0, 2, expected each of 0 to 1 once.',
    ),
    'split without labels': (
        bundles('nobody.txt\n', VIDEOS[0]),
        "/splits/train.split1.bundle: split 'train' names the video 'nobody', which",
    ),
    'split with a video twice': (
        bundles(f'{VIDEOS[1]}\n{VIDEOS[1]}\n', VIDEOS[0]),
        f"/splits/train.split1.bundle: split 'train' names the video '{VIDEOS[1]}' 2",
    ),
    'video in both halves': (
        bundles(VIDEOS[0], VIDEOS[0]),
        f"/splits/train.split1.bundle: the video '{VIDEOS[0]}' is in both 'train' and",
    ),
    'half a split': (
        text('splits/train.split1.bundle', VIDEOS[0]),
        '/splits/test.split1.bundle: missing',
    ),
    'no first split': (
        text('splits/train.split2.bundle', VIDEOS[0]),
        '/splits: there is no split 1, such as train.split1.bundle; the splits '
        'there are 2.',
    ),
}


@pytest.mark.parametrize(('change', 'message'), FAULTS.values(), ids=FAULTS.keys())
def test_fault_ends_the_tool_with_one_sentence(
    change, message, release, tmp_path, call_tool
):
    """It names file, place and value, and nothing is written."""
    change(release)
    done = call_tool(TOOL, release, tmp_path / 'out', code=1)
    assert done.stderr.startswith(f'error: {release}{message}')
    assert done.stderr.count('\n') == 1
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('arguments', 'message', 'code'),
    [
        (['--test', 'nobody'], ': the test videos nobody are not among the 7', 1),
        (['--background', 'SIL'], "background is 'SIL', expected None or one of", 1),
        (
            ['--size', '0x480'],
            "argument --size: '0x480' is not a size such as 640x480",
            2,
        ),
        (['--size', '640'], "argument --size: '640' is not a size such as 640x480", 2),
    ],
)
def test_fault_in_an_argument_is_told(
    arguments, message, code, release, tmp_path, call_tool
):
    done = call_tool(TOOL, release, tmp_path / 'out', *arguments, code=code)
    assert message in done.stderr
