"""The runtime, where there is no PyTorch and nothing of OpenMMLab."""

import os
import site
import subprocess
import sys
import venv

import numpy as np
import pytest

from mmskelseg.apis import SkelSegStream
from mmskelseg_io.structures import Skeleton
from mmskelseg_runtime import OnnxSegmenter
from mmskelseg_runtime.commands import live, segment
from tests import test_install
from tests.errors import raises_naming
from tests.inferring import prediction_of
from tests.small_data import PATH, ROOT
from tests.tables import read_table
from tests.test_docs import python_block
from tests.test_segmenting.conftest import META, SMALL, make_config

source, wheel = test_install.source, test_install.wheel
wheels = test_install.wheels

LACKING = ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmaction')
BLOCKED = f"""
import sys
for name in {LACKING}:
    # Importing it is an error, as if it were not installed.
    sys.modules[name] = None
"""
# Not at the pace of a camera.
LIVE = ('--events', '--every-frame', '--no-window')
SEGMENTS = """
import sys
import numpy as np
from mmskelseg_io.poses import read_poses
from mmskelseg_runtime import OnnxSegmenter, OnnxStream

poses, model, stream_model, out = sys.argv[1:]
(found,) = OnnxSegmenter(model)(poses)['predictions']
stream = OnnxStream(stream_model)
read = read_poses(poses)
frames = stream.push(read.keypoint[0], read.keypoint_score[0]) + stream.flush()
live = np.array([frame.probabilities for frame in frames])
np.savez(out, label=found['pred_label'], score=found['pred_score'], live=live)
heavy = {'torch', 'mmengine', 'mmcv', 'mmaction', 'matplotlib', 'numba', 'cv2'}
assert not heavy & {name for name, module in sys.modules.items() if module}
"""


def run(words, code=0, **environment):
    """Run a program, with other variables of the environment; return its process."""
    variables = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    variables |= {name: str(value) for name, value in environment.items()}
    words = [*map(str, words)]
    done = subprocess.run(words, env=variables, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture
def poses(person, tmp_path):
    """A file of poses of one person."""
    video = person(120)
    keys = ('keypoint', 'keypoint_score', 'fps', 'img_shape')
    joints = np.array(Skeleton.get('lcr15').joints)
    path = tmp_path / 'take1.npz'
    np.savez(path, joints=joints, **{key: video[key] for key in keys})
    return path


def check(out, cfgs, checkpoints, poses):
    """Labels are those of the full package, probabilities within 1e-5."""
    found = np.load(out)
    expected = prediction_of(cfgs[0], checkpoints[0], str(poses))
    np.testing.assert_array_equal(found['label'], expected['pred_label'])
    np.testing.assert_allclose(found['score'], expected['pred_score'], atol=1e-5)
    stream = SkelSegStream(cfgs[1], checkpoints[1])
    joints = expected['keypoint'][0], expected['keypoint_score'][0]
    frames = stream.push(*joints) + stream.flush()
    scores = np.array([frame.probabilities for frame in frames])
    np.testing.assert_allclose(found['live'], scores, atol=1e-5)


def test_poses_become_segments_without_pytorch(
    coordinates, causal, recipe, stream_file, poses, tmp_path
):
    out = tmp_path / 'found.npz'
    words = [poses, recipe[1], stream_file[1], out]
    run([sys.executable, '-c', BLOCKED + SEGMENTS, *words], PYTHONPATH=PATH)
    check(out, (coordinates, causal), (recipe[0], stream_file[0]), poses)


def command(*words):
    """Run a command without PyTorch; return what it prints."""
    code = 'from mmskelseg_io.jobs import main\nsys.exit(main(sys.argv[1:]))'
    done = run([sys.executable, '-c', BLOCKED + code, *words], PYTHONPATH=PATH)
    return done.stdout + done.stderr


def test_segment_writes_all_formats_without_pytorch(recipe, poses, tmp_path):
    printed = command(
        'segment', poses, recipe[1], '--out', tmp_path / 'out', '--person', 'score'
    )
    assert 'take1: ' in printed
    names = {path.name for path in (tmp_path / 'out').iterdir()}
    assert {'segments.csv', 'segments.eaf', 'segments.srt', 'timeline.png'} <= names
    assert read_table(tmp_path / 'out' / 'segments.csv')
    words = ('--model', 'precog', '--out', tmp_path / 'out', '--formats', 'csv')
    assert 'take1: ' in command('segment', poses, *words)


@pytest.mark.parametrize('is_ours', [False, True])
def test_exported_model_runs_before_pytorch_is_imported(
    recipe, stream_file, poses, clip, tmp_path, is_ours
):
    """Although PyTorch is installed, and by the name of a model of the package."""
    whole, live = [['--model', 'precog'] if is_ours else [file[1]]
                   for file in (recipe, stream_file)]  # fmt: skip
    code = (
        'import sys\n'
        'from mmskelseg_io.jobs import main\n'
        'main(sys.argv[1:])\n'
        'sys.exit("torch" in sys.modules or "mmengine" in sys.modules)'
    )
    for words in (
        ['segment', poses, *whole, '--device', 'cpu', '--out', tmp_path / 'out'],
        ['live', clip(frames=120), *live, '--poses', poses, *LIVE],
    ):
        words = map(str, words)
        subprocess.run([sys.executable, '-c', code, *words], check=True, cwd=ROOT)


@pytest.mark.usefixtures('alone')
@pytest.mark.parametrize(('words', 'named'), [
    (('segment', 'take1.mp4', 'CONFIG.py'), 'CONFIG.py: | PyTorch'),
    (('segment', 'a', 'b.onnx', '--ensemble', 'c.pth'), '--ensemble'),
    (('segment', 'a', 'b.onnx', '--cfg-options', 'a.b=1'), '--cfg-options'),
    (('segment', '.', 'b.onnx'), 'b.onnx: '),
    (('live', '0', 'b.onnx', 'c.pth'), 'CHECKPOINT'),
    (('live', '0', 'b.pth'), 'b.pth: | PyTorch'),
])  # fmt: skip
def test_what_does_not_go_together_is_said(words, named):
    command = {'segment': segment, 'live': live}[words[0]]
    with raises_naming(SystemExit, named):
        command.main(words[1:])


@pytest.mark.slow
def test_distribution_without_pytorch_is_all_that_a_user_needs(
    coordinates, causal, recipe, stream_file, poses, tmp_path, monkeypatch, wheels
):
    """Its wheel and that of io, where PyTorch and all of OpenMMLab are missing."""
    venv.create(tmp_path / 'venv', with_pip=False)
    python = tmp_path / 'venv' / ('Scripts' if os.name == 'nt' else 'bin') / 'python'
    pip = [sys.executable, '-m', 'pip', '--python', str(python), '--quiet']
    files = [str(wheels[name]) for name in ('io', 'runtime')]
    install = ['install', '--no-deps', '--no-index', *files]
    subprocess.run([*pip, *install], check=True)
    # What it requires comes from this environment, and nothing else.
    code = 'import site; print(site.getsitepackages()[0])'
    folder = subprocess.check_output([str(python), '-c', code], text=True).strip()
    wanted = (
        'numpy',
        'array_api_compat',
        'onnxruntime',
        'cv2',
        'defusedxml',
        'h5py',
        'tqdm',
        'flatbuffers',
        'google',
    )
    for packages in map(ROOT.__class__, site.getsitepackages()):
        for package in packages.glob('*'):
            if package.name.partition('.')[0] in wanted:
                os.symlink(package, ROOT.__class__(folder) / package.name)
    monkeypatch.chdir(tmp_path)
    out = tmp_path / 'found.npz'
    code = SEGMENTS.replace('mmskelseg.runtime', 'mmskelseg_runtime')
    run([python, '-c', code, poses, recipe[1], stream_file[1], out])
    check(out, (coordinates, causal), (recipe[0], stream_file[0]), poses)
    words = [python.with_name('mmskelseg'), 'segment', poses, '--model', 'precog']
    words += ['--out', 'out']
    run(words)
    assert (tmp_path / 'out' / 'segments.eaf').is_file()
    # Pictures need matplotlib, which is an extra.
    assert not (tmp_path / 'out' / 'timeline.png').exists()
    done = run([*words, '--formats', 'timeline'], code=1)
    assert 'timeline needs what is not installed' in done.stderr
    done = run([words[0], 'train', 'mine.py'], code=2)
    assert "pip install 'mmskelseg[studio]'" in done.stderr


@pytest.fixture(scope='module')
def plain_model(export):
    """A file that asks for all that the script of the docs can do."""
    steps = [{'type': 'MinDuration', 'frames': 5}]
    path = 'recipes/uwiom_pose2d.py'
    cfg = make_config(path, {'pose2d': SMALL}, members=1, postprocess=steps)
    return export(cfg, {**META, 'kpt_thr': 0.3})[1]


@pytest.fixture(scope='module')
def tracked(person, tmp_path_factory):
    """A table of DeepLabCut: in another order, with a joint more and empty cells."""
    video, joints = person(200), [*Skeleton.get('lcr15').joints[::-1], 'tail']
    points = np.concatenate([video['keypoint'], video['keypoint_score'][..., None]], -1)
    points[points[..., 2] == 0] = np.nan
    cells = np.pad(points[0, :, ::-1], ((0, 0), (0, 1), (0, 0))).reshape(200, -1)
    heads = [
        ['scorer', *['DLC'] * cells.shape[1]],
        ['bodyparts', *np.repeat(joints, 3)],
        ['coords', *['x', 'y', 'likelihood'] * len(joints)],
    ]
    rows = [[i, *np.where(np.isnan(row), '', row)] for i, row in enumerate(cells)]
    path = tmp_path_factory.mktemp('tracked') / 'take1DLC_resnet50.csv'
    path.write_text(''.join(','.join(map(str, r)) + '\n' for r in [*heads, *rows]))
    return path


PLAIN = """
import runpy, sys
import numpy as np

for name in ('torch', 'mmskelseg', 'mmskelseg_io', 'mmskelseg_runtime'):
    sys.modules[name] = None
out = sys.argv.pop()
np.save(out, runpy.run_path(sys.argv.pop(1))['probabilities'])
"""


@pytest.mark.parametrize('fps', [10, 10.2, 25, 7])
def test_script_of_the_docs_gives_what_segment_gives(
    plain_model, tracked, fps, tmp_path
):
    """With nothing of ours, at the rate of the training data and at others."""
    block, out = tmp_path / 'block.py', tmp_path / 'out.npy'
    block.write_text(python_block('export.md', 'session.run'))
    words = [block, plain_model, tracked, fps, out]
    printed = run([sys.executable, '-c', PLAIN, *words]).stdout
    segment = OnnxSegmenter(plain_model, show_progress=False)
    (expected,) = segment(tracked, fps=fps)['predictions']
    found, rate = np.load(out), 10 if abs(fps - 10) > 1 else fps
    shown = ((np.arange(200) + 0.5) * rate / fps).astype(int)
    np.testing.assert_allclose(found[shown].T, expected['pred_score'], atol=1e-5)
    segments = [row.split(',') for row in printed.splitlines()]
    assert [(float(start), float(end), name) for start, end, name in segments] == [
        (pytest.approx(s['start']), pytest.approx(s['end']), s['label'])
        for s in expected['segments']
    ]
    raw = found[shown].argmax(axis=1)
    assert len(segments) < np.count_nonzero(np.diff(raw))
