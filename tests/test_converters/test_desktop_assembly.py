"""The converter of Desktop Assembly, on small files in the layout of its authors."""

import numpy as np
import pytest

from mmskelseg.converters.desktop_assembly import ConvertDesktopAssembly
from mmskelseg_io.files.annotations import load_annotations
from tests.test_converters import releases
from tests.test_converters.faults import check_refused, remove, rename, save, text

TOOL = 'tools/dataset_converters/desktop_assembly.py'
FRAMES = 8
VIDEOS = [f'2020-04-{day:02d}_14-03-25' for day in range(1, 8)]


@pytest.fixture
def release(tmp_path):
    return releases.desktop_assembly(tmp_path)


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


def bundles(train, test):
    def change(root):
        text('splits/train.split1.bundle', train)(root)
        text('splits/test.split1.bundle', test)(root)

    return change


NEGATIVE = np.ones((FRAMES, 17, 3))
NEGATIVE[5, 7, 2] = -0.5
LABEL, POSE = f'groundTruth/{VIDEOS[1]}', f'keypoints/{VIDEOS[1]}.npy'
TRAIN, TEST = (f'splits/{part}.split1.bundle' for part in ('train', 'test'))
FAULTS = [
    (rename('groundTruth', 'labels'), '/groundTruth: no such folder'),
    (rename('keypoints', 'poses'), '/keypoints: no such folder'),
    (remove(POSE), f'/{POSE}: missing'),
    (text(f'{LABEL}.txt', 'Background\n'), '/groundTruth | 8 files for 7 videos'),
    (text(LABEL, 'Pick_up_lid\n'), f"/{LABEL} | video '{VIDEOS[1]}' | (1,) | 8 frames"),
    (save(POSE, np.ones((8, 15, 3))), f'/{POSE} | (8, 15, 3)'),
    (
        save(POSE, NEGATIVE),
        f"/{POSE} | video '{VIDEOS[1]}' | keypoint_score is -0.5 | frame 5, joint 7",
    ),
    (bundles('nobody.txt\n', VIDEOS[0]), f"/{TRAIN} | split 'train' | video 'nobody'"),
    (
        bundles(f'{VIDEOS[1]}\n{VIDEOS[1]}\n', VIDEOS[0]),
        f"/{TRAIN} | split 'train' | video '{VIDEOS[1]}' 2",
    ),
    (
        bundles(VIDEOS[0], VIDEOS[0]),
        f"/{TRAIN} | video '{VIDEOS[0]}' | both 'train' and 'test'",
    ),
    (text(TRAIN, VIDEOS[0]), f'/{TEST}: missing'),
    (
        text('splits/train.split2.bundle', VIDEOS[0]),
        '/splits | no split 1 | there are 2',
    ),
]


@pytest.mark.parametrize(('change', 'named'), FAULTS)
def test_fault_in_the_release_names_file_and_place(change, named, release, tmp_path):
    check_refused(ConvertDesktopAssembly, release, tmp_path / 'out', change, named)


@pytest.mark.parametrize('size', ['0x480', '640'])
def test_size_that_is_none_is_told(size, release, tmp_path, call_tool):
    done = call_tool(TOOL, release, tmp_path / 'out', '--size', size, code=2)
    assert f"--size: '{size}' is not a size" in done.stderr
