"""Skeleton pickles as the tools of MMAction2 and pyskl write them, with toy people."""

import pickle

import numpy as np

#: Who does what, as names of NTU RGB+D say it: class 0 to 2, person 1 to 4.
CLIPS = [
    (f'S001C001P{who:03d}R{take:03d}A{k + 1:03d}', k)
    for take in (1, 2)
    for who in (1, 2, 3, 4)
    for k in range(3)
]


def splits():
    """Return splits in which persons 3 and 4 are held out."""
    names = [name for name, _ in CLIPS]
    held_out = [name for name in names if 'P003' in name or 'P004' in name]
    train = [name for name in names if name not in held_out]
    return {'xsub_train': train, 'xsub_val': held_out}


def wrists(clips=CLIPS, joints=17):
    """Yield name, class and joints (1, T, V, 2); the class decides where a wrist is."""
    rng = np.random.default_rng(0)
    for name, k in clips:
        frames = int(rng.integers(16, 30))
        points = rng.normal([320, 240], 60, (1, 1, joints, 2))
        points = points + rng.normal(0, 3, (1, frames, joints, 2)).cumsum(axis=1)
        points[0, :, 9] = 100 + 120 * k
        yield name, k, points


def in_2d():
    """Return what ntu_pose_extraction.py makes, with splits: HRNet's joints."""
    clips = [
        {
            'keypoint': points.astype(np.float16),
            'keypoint_score': np.ones(points.shape[:3], np.float16),
            'frame_dir': name,
            'img_shape': (480, 640),
            'original_shape': (480, 640),
            'total_frames': points.shape[1],
            'label': k,
        }
        for name, k, points in wrists()
    ]
    return {'split': splits(), 'annotations': clips}


def in_3d():
    """Return what gen_ntu_rgbd_raw.py makes: metres, and no second person."""
    clips = []
    for name, k, points in wrists(joints=25):
        metres = np.stack(
            [points[..., 0] / 400, 4 - points[..., 1] / 100, 3 + 0 * points[..., 0]],
            axis=-1,
        )
        pair = np.concatenate([metres, 0 * metres]).astype(np.float32)
        frames = pair.shape[1]
        clips.append(
            {'frame_dir': name, 'label': k, 'keypoint': pair, 'total_frames': frames}
        )
    return {'split': splits(), 'annotations': clips}


def write_raw(folder):
    """Write in_3d() as files of NTU RGB+D, from which gen_ntu_rgbd_raw.py makes it."""
    folder.mkdir()
    for clip in in_3d()['annotations']:
        lines = [str(clip['total_frames'])]
        for joints in clip['keypoint'][0]:
            lines += ['1', '1 0 1 1 1 1 0 0.1 0.1 2', '25']
            lines += [f'{x} {y} {z} 0 0 0 0 0 0 0 0 2' for x, y, z in joints]
        path = folder / f'{clip["frame_dir"]}.skeleton'
        path.write_text('\n'.join([*lines, '']))


def compressed():
    """Return what pyskl's custom_2d_skeleton.py --compress makes: a list of clips.

    Nobody is found in frame 2, and two are in frame 4.
    """
    clips = []
    for name, k, points in wrists():
        scored = np.concatenate([points[0], np.full((*points.shape[1:3], 1), 0.9)], -1)
        frames = np.sort([*(i for i in range(len(scored)) if i != 2), 4])
        clips.append(
            {
                'frame_dir': name,
                'label': k,
                'img_shape': (480, 640),
                'total_frames': len(scored),
                'num_person_raw': 2,
                'keypoint': scored[frames].astype(np.float16),
                'frame_inds': frames.astype(np.int16),
            }
        )
    return clips


def write(content, path):
    """Write a pickle as mmengine.dump does; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol=2))
    return path
