"""Small releases in the layouts of their authors."""

import json

import numpy as np

from mmskelseg.converters.precog import JOINTS
from mmskelseg.converters.subtle import CLASSES as BEHAVIOURS
from tests.test_labels import labs

FRAMES = 12
LENGTHS = {'a': 12, 'b': 14, 'c': 16}
# Of PRECOG-16's subjects: an action, a pause of one frame, and another action.
LABEL = [0, 1, 1, 1, 1, 1, 0, 2, 2, 2, 2, 2]
UWIOM_NAMES = [
    f'{name}\n'
    for name in (
        'box_bend_pick-up_low', 'box_bend_place_low', 'box_stand_pick-up_mid',
        'box_stand_pick-up_top', 'box_stand_place_mid', 'box_stand_place_top',
        'box_walk_hold_none', 'none_bend_none_none', 'none_stand_none_none',
        'none_stand_reach_top', 'none_walk_none_none', 'rod_bend_pick-up_low',
        'rod_bend_place_low', 'rod_stand_pick-up_mid', 'rod_stand_pick-up_top',
        'rod_stand_place_mid', 'rod_stand_place_top',
    )
]  # fmt: skip


def _folders(root, *parts):
    for part in parts:
        (root / part).mkdir(parents=True)
    return root, np.random.default_rng(0)


def _write_splits(root):
    """Write two splits of the videos a, b and c; the first tests c, the second a."""
    for split, test in ((1, 'c'), (2, 'a')):
        train = ''.join(f'{video}.txt\n' for video in LENGTHS if video != test)
        (root / f'splits/train.split{split}.bundle').write_text(train)
        (root / f'splits/test.split{split}.bundle').write_text(f'{test}.txt\n')


def common_layout(folder):
    """Return three videos with features of 4 numbers."""
    root, rng = _folders(folder / 'raw', 'features', 'groundTruth', 'splits')
    (root / 'mapping.txt').write_text('0 take\n1 pour\n2 background\n')
    names = np.array(['take', 'pour', 'background'])
    for i, (video, frames) in enumerate(LENGTHS.items()):
        np.save(root / f'features/{video}.npy', rng.normal(size=(4, frames)))
        lines = names[(np.arange(frames) // 5 + i) % 3]
        (root / f'groundTruth/{video}.txt').write_text('\n'.join(lines) + '\n')
    _write_splits(root)
    return root


def dest(folder, name='LARA', shape=(6, 'T', 19, 1)):
    """Return three videos with arrays of a shape, and the arrays."""
    root, rng = _folders(folder / 'raw' / name, 'features', 'gt_arr', 'splits')
    (root / 'mapping.txt').write_text('0 NONE\n1 take\n2 pour\n')
    arrays = {}
    for i, (video, frames) in enumerate(LENGTHS.items()):
        size = [frames if side == 'T' else side for side in shape]
        arrays[video] = rng.uniform(10, 500, size)
        np.save(root / f'features/{video}.npy', arrays[video])
        # DeST's own tool writes floats.
        label = (np.arange(frames) // 5 + i) % 3
        np.save(root / f'gt_arr/{video}.npy', label.astype(float))
    _write_splits(root)
    return root, arrays


def calms21(folder):
    """Return a task of two training videos and one test video."""
    root, _ = _folders(folder / 'task1', '.')
    for part, videos in (('train', ('a', 'b')), ('test', ('c',))):
        content = labs.calms21_content(videos, FRAMES, part)
        path = root / f'calms21_task1_{part}.json'
        path.write_text(json.dumps(content))
    # Of the same task, and no poses.
    (root / 'taskprog_features_task1_train.json').write_text('{}')
    return root


def subtle(folder, names=('adult_1', 'adult_2', 'young_3')):
    """Return mice of 20 frames; the last frame of the first has no label."""
    root, rng = _folders(folder / 'y5a5', 'coords', 'annots')
    for name in names:
        joints = rng.normal(0, 3, (20, 27))
        np.savetxt(root / f'coords/{name}.csv', joints, '%.4f', ',')
        count = 19 + (name != names[0])
        rows = [f'{i / 20},{BEHAVIOURS[i // 5]}' for i in range(count)]
        (root / f'annots/{name}.csv').write_text('\n'.join([',0', *rows]) + '\n')
    return root


def desktop_assembly(folder, days=7):
    """Return videos that pick up a lid (20), close it (21) and rest (22)."""
    root, rng = _folders(folder / 'release', 'groundTruth', 'keypoints')
    lines = ['Pick_up_lid'] * 3 + ['Close_lid'] * 4 + ['Background']
    for day in range(1, days + 1):
        video = f'2020-04-{day:02d}_14-03-25'
        (root / 'groundTruth' / video).write_text('\n'.join(lines) + '\n')
        pose = rng.uniform((0, 0, 0.1), (640, 480, 1), (8, 17, 3))
        np.save(root / f'keypoints/{video}.npy', pose)
    return root


def lcr_pose(frames=FRAMES, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform((3, -1, -1), (5, 1, 1), (frames, 15, 3)).astype(np.float32)


def tum_kitchen(folder):
    """Return three short videos: id n + 1 in frame n, with the old line ends."""
    root, _ = _folders(folder / 'release', 'Poses', 'Labels_TUM')
    for video in ('01', '02', '03'):
        np.save(root / f'Poses/{video}_pose3d.npy', lcr_pose(seed=int(video)))
        text = ''.join(f'{n + 1}\r\n' for n in range(FRAMES))
        (root / f'Labels_TUM/{video}.txt').write_bytes(text.encode())
    return root


def uwiom(root, videos=('01', '02', '03')):
    """Write a release of short videos: label n // 2 in frame n, risk n."""
    _folders(root, 'Poses', 'Labels/ClassNumber', 'RebaScoreFrameWise')
    np.save(root / 'Labels/uniquelabelnames.npy', np.array(UWIOM_NAMES))
    for video in videos:
        pose = lcr_pose(seed=int(video))
        pose = pose.astype(np.float64) if video == '03' else pose
        np.save(root / f'Poses/{video}_pose3d.npy', pose)
        np.save(root / f'Labels/ClassNumber/{video}.npy', np.arange(FRAMES) // 2)
        np.savetxt(root / f'RebaScoreFrameWise/{video}.txt', np.arange(FRAMES))
    return root


def precog_frame(label, joint='0.5 0.25 2', depth='1'):
    """Return a line with all joints on the optical axis but the last one."""
    return ';'.join([f'0 0 {depth}'] * 19 + [joint, str(label)])


def precog_table(root, name, *lines):
    path = root / 'Dataset/CSV' / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes('\r\n'.join(['; '.join(JOINTS), *lines, '']).encode())


def precog(folder):
    """Return sequences 1 and 2 of four subjects, each at a distance of its own."""
    root = folder / 'release'
    for subject in (1, 2, 5, 9):
        for sequence in (1, 2):
            depth = f'{subject}.{sequence}'
            lines = [precog_frame(label, depth=depth) for label in LABEL]
            precog_table(root, f'Seq{sequence}_{subject}.csv', *lines)
    return root
