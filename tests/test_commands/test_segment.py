"""The demo as a user runs it, with a small model."""

import json
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.files.video import read_frames
from mmskelseg_io.labels.text import read_csv_segments
from mmskelseg_runtime.commands.segment import main
from tests.clips import write_video
from tests.errors import assert_names
from tests.inferring import prediction_of, save_random
from tests.small_data import TOY, save_poses, small_annotations


@pytest.fixture(scope='module')
def small_model(tmp_path_factory):
    """The config and a checkpoint of a model for three classes, and its segments.

    Training it would take longer than all tests here.
    """
    init_default_scope('mmskelseg')
    folder = tmp_path_factory.mktemp('demo')
    data = folder / 'data' / 'annotations.pkl'
    content = small_annotations()
    save_annotations(content, data)
    cfg = Config.fromfile(TOY)
    cfg.merge_from_dict(
        {
            'model.num_classes': 3,
            'model.branches.heatmap.channels': 16,
            'test_dataloader.dataset.ann_file': str(data),
        }
    )
    cfg.dump(folder / 'small.py')
    video = content['annotations'][2]
    weights = folder / 'small.pth'
    save_random(cfg, weights, content['metainfo'], video=video)
    segments = prediction_of(cfg, weights, video)['segments']
    keys = ('start_frame', 'end_frame', 'label_id')
    expected = [tuple(segment[key] for key in keys) for segment in segments]
    return folder / 'small.py', weights, expected


@pytest.fixture
def poses(tmp_path):
    """The test video's skeletons in a file."""
    return save_poses(tmp_path / 'take.npz', small_annotations()['annotations'][2])


def in_frames(segments, fps=10):
    return [
        (round(s.start * fps), round(s.end * fps), int(s.label.removeprefix('class_')))
        for s in segments
    ]


def test_demo_of_keypoints_writes_the_models_segments(
    small_model, poses, run_tool, tmp_path
):
    *model, expected = small_model
    assert len(expected) > 1
    done = run_tool('demo/demo.py', poses, *model, '--out', 'out')
    assert (
        f'take: {len(expected)} segments in a video of 5.0 s, 50 frames' in done.stdout
    )
    out = tmp_path / 'out'
    assert {path.name for path in out.glob('[!.]*')} == {
        'segments.csv', 'segments.json', 'segments.srt', 'segments.eaf',
        'boris_events.csv', 'timeline.png',
    }  # fmt: skip
    (video,) = read_csv_segments(out / 'segments.csv')
    assert in_frames(video.segments) == expected
    content = json.loads((out / 'segments.json').read_text())
    keys = ('start_frame', 'end_frame', 'label_id')
    assert [tuple(s[key] for key in keys) for s in content['segments']] == expected
    assert (content['fps'], content['total_frames']) == (10, 50)
    assert (out / 'segments.srt').read_text().count('-->') == len(expected)
    assert matplotlib.image.imread(out / 'timeline.png').shape[1] > 1000


def test_files_of_one_video_never_replace_those_of_another(
    small_model, poses, run_tool, tmp_path
):
    """Without --out, each input has a folder of its own."""
    *model, _ = small_model
    done = run_tool('demo/demo.py', poses, *model, '--formats', 'csv')
    folder = Path('work_dirs', 'segment', poses.name)
    assert done.stdout.endswith(f'The files are in {folder}\n')
    assert (tmp_path / folder / 'segments.csv').is_file()


def test_demo_of_a_video_with_poses_writes_an_overlay(
    small_model, poses, call_tool, tmp_path
):
    """It has the frames of the video, and the skeleton in them."""
    *model, expected = small_model
    video = write_video(tmp_path / 'take.mp4', [127] * 50, img_shape=(480, 640))
    call_tool(
        'demo/demo.py', video, *model, '--poses', poses, '--out', tmp_path / 'out'
    )
    frames = list(read_frames(tmp_path / 'out' / 'overlay.mp4'))
    assert len(frames) == 50
    # Somebody is drawn into the grey, and there is a panel below it.
    assert (np.abs(frames[20][:480].astype(int) - 127) > 40).mean() > 0.005
    assert frames[20].shape[0] > 480
    (written,) = read_csv_segments(tmp_path / 'out' / 'segments.csv')
    assert in_frames(written.segments) == expected


def test_size_of_the_images_is_an_option(small_model, poses, call_tool, tmp_path):
    *model, expected = small_model
    arrays = dict(np.load(poses))
    height, width = arrays.pop('img_shape')
    np.savez(poses, **arrays)
    call_tool(
        'demo/demo.py', poses, *model, '--size', f'{width}x{height}',
        '--formats', 'json', '--out', tmp_path,
    )  # fmt: skip
    content = json.loads((tmp_path / 'segments.json').read_text())
    assert not any('image size' in note for note in content['notes'])
    assert [s['label_id'] for s in content['segments']] == [k for *_, k in expected]


def test_demo_averages_an_ensemble(small_model, poses, call_tool, tmp_path):
    config, first, _ = small_model
    content = torch.load(first)
    for value in content['state_dict'].values():
        value *= 1.01
    second = tmp_path / 'second.pth'
    torch.save(content, second)

    def score(*files):
        call_tool('demo/demo.py', poses, config, *files, '--out', tmp_path / 'out')
        text = (tmp_path / 'out' / 'segments.json').read_text()
        return json.loads(text)['segments'][0]['score']

    both = sorted([score(first), score(second)])
    assert both[0] < score(first, '--ensemble', second) < both[1]


def test_demo_names_files_by_video_where_there_are_several(
    small_model, call_tool, tmp_path
):
    *model, _ = small_model
    data = model[0].parent / 'data' / 'annotations.pkl'
    call_tool(
        'demo/demo.py', data, *model, '--formats', 'csv', '--batch-size', 2,
        '--out', tmp_path,
    )  # fmt: skip
    names = sorted(path.name for path in tmp_path.glob('[!.]*'))
    assert names == [f'video_{i}_segments.csv' for i in range(3)]


def test_demo_ends_with_one_sentence(small_model, poses, call_tool, tmp_path):
    config, checkpoint, _ = small_model
    gone, text = tmp_path / 'gone.mp4', tmp_path / 'take.mp4'
    text.write_text('no video')
    for args, message in (
        ([gone, config, checkpoint], f'{gone}: there is no such file or folder.'),
        ([text, config, checkpoint], f'{text}: cannot be read as a video;'),
        ([poses, 'skelseg/toy_joint', checkpoint], 'mean skelseg/toy_joint_limb'),
        ([poses, config, 'gone.pth'], 'gone.pth: there is no such file.'),
        ([poses, 'toy_rgb', checkpoint], 'not a checkpoint of the model in the config'),
    ):
        assert message in call_tool('demo/demo.py', *args, code=1).stderr


def test_a_checkpoint_is_enough_for_its_config(small_model, poses, call_tool, tmp_path):
    """Also after several inputs."""
    config, weights, expected = small_model
    checkpoint = tmp_path / 'epoch_4.pth'
    content = torch.load(weights)
    content['meta']['cfg'] = Config.fromfile(config).pretty_text
    torch.save(content, checkpoint)
    call_tool('demo/demo.py', poses, poses, checkpoint, '--out', tmp_path / 'out')
    (written,) = read_csv_segments(tmp_path / 'out' / 'take_2_segments.csv')
    assert in_frames(written.segments) == expected
    for words, message in (
        ([poses, checkpoint, '--cfg-options', 'a=1'], 'need a CONFIG before it'),
        ([poses, checkpoint, checkpoint], f'{checkpoint}: '),
    ):
        done = call_tool('demo/demo.py', *words, code=1)
        assert message in done.stderr


def test_poses_that_are_read_and_files_of_others_are_not_replaced(
    small_model, poses, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    config, weights, _ = small_model
    words = [str(config), str(weights), '--out', '.', '--formats']
    poses.rename('poses.npz')
    (tmp_path / 'segments.csv').write_text('mine')
    read = Path('poses.npz').read_bytes()
    for name, kind in (('poses.npz', 'poses'), ('segments.csv', 'csv')):
        with pytest.raises(SystemExit) as end:
            main(['poses.npz', *words, kind])
        assert_names(end.value.code, name)
    assert Path('poses.npz').read_bytes() == read
    assert (tmp_path / 'segments.csv').read_text() == 'mine'
