"""Transitions and durations counted into a checkpoint that was trained without."""

import json

import pytest

from mmskelseg.apis import SkelSegInferencer
from mmskelseg.checkpoints.reading import load_checkpoint
from mmskelseg.commands import make_config
from mmskelseg.datasets.stretches import Stretch, write_stretches
from mmskelseg.runtime.files.annotations import save_annotations
from tests.errors import assert_names, raises_naming
from tests.small_data import small_annotations

VITERBI = "model = dict(postprocess=[dict(type='SemiMarkovViterbi')])\n"


@pytest.fixture(scope='module')
def trained(tmp_path_factory, untrained):
    """Return a config without post-processing, and a checkpoint of it."""
    folder = tmp_path_factory.mktemp('trained')
    save_annotations(small_annotations(), folder / 'annotations.pkl')
    args = [folder / 'annotations.pkl', folder / 'made.py', '--segmentor', 'ms_tcn2']
    make_config.main([str(arg) for arg in args], 'make-config')
    config = folder / 'mine.py'
    derived(folder / 'made.py', config, 'model = dict(members=1, postprocess=[])\n')
    return config, untrained(config, small_annotations()['metainfo'])


def derived(base, path, text=VITERBI):
    path.write_text(f"_base_ = '{base}'\n{text}")
    return path


def test_decoder_is_counted_and_scored_beside_the_labels_without(
    trained, call_tool, tmp_path
):
    config, checkpoint = trained
    decoded = derived(config, tmp_path / 'viterbi.py')
    out = tmp_path / 'decoder.pth'
    text = call_tool('tools/fit_decoder.py', decoded, checkpoint, out).stdout
    assert 'statistics of SemiMarkovViterbi from 2 training videos' in text
    state = load_checkpoint(out)['state_dict']
    # Labels are runs of 12 frames, and in the video of 45 frames one of 9.
    assert state['postprocess.0.longest'] == 12
    work = tmp_path / 'test'
    shown = call_tool('tools/test.py', decoded, out, '--work-dir', work)
    assert 'before post-processing' in shown.stdout + shown.stderr
    scores = json.loads((work / 'metrics.json').read_text())
    plain = tmp_path / 'plain'
    call_tool('tools/test.py', config, checkpoint, '--work-dir', plain)
    expected = json.loads((plain / 'metrics.json').read_text())
    for name in ('acc', 'edit', 'f1@10'):
        assert scores[f'seg/raw_{name}'] == expected[f'seg/{name}']
    # The plain config does not use it.
    call_tool('tools/test.py', config, out, '--work-dir', work)
    scores = json.loads((work / 'metrics.json').read_text())
    assert scores['seg/acc'] == expected['seg/acc']
    # The checkpoint without it is refused, with the way out.
    done = call_tool('tools/test.py', decoded, checkpoint, '--work-dir', work, code=1)
    command = f'`mmskelseg fit-decoder CONFIG {checkpoint} OUT.pth`'
    named = checkpoint, 'model.postprocess', command
    assert_names(done.stderr, *named)
    with raises_naming(ValueError, *named):
        SkelSegInferencer(str(decoded), str(checkpoint))


def test_only_labels_of_the_training_are_counted(trained, call_tool, tmp_path):
    config, checkpoint = trained
    stretches = tmp_path / 'labelled.json'
    write_stretches(stretches, [Stretch('video_0', 0, 24)])
    text = f"train_dataloader = dict(dataset=dict(labelled='{stretches}'))\n"
    few = derived(config, tmp_path / 'few.py', VITERBI + text)
    out = tmp_path / 'few.pth'
    text = call_tool('tools/fit_decoder.py', few, checkpoint, out).stdout
    assert 'from 1 training video\n' in text
    text = (
        'dataset = _base_.train_dataloader.dataset\n'
        "train_dataloader = dict(dataset=dict(_delete_=True, type='RepeatDataset', "
        'times=3, dataset=dataset))\n'
    )
    again = derived(few, tmp_path / 'again.py', text)
    text = call_tool('tools/fit_decoder.py', again, checkpoint, out).stdout
    assert 'from 1 training video' in text
    none = derived(few, tmp_path / 'none.py', 'train_dataloader = None\n')
    done = call_tool('tools/fit_decoder.py', none, checkpoint, out, code=1)
    assert 'none.py: has no train_dataloader.dataset, whose labels' in done.stderr


def test_only_another_checkpoint_is_written(trained, call_tool, tmp_path):
    config, checkpoint = trained
    before = checkpoint.read_bytes()
    for out, words in (
        (checkpoint, 'would replace the checkpoint of the training'),
        (tmp_path / 'mine.py', 'the name of a checkpoint must end in .pth'),
    ):
        done = call_tool('tools/fit_decoder.py', config, checkpoint, out, code=1)
        assert f'error: {out}: {words}' in done.stderr
    assert checkpoint.read_bytes() == before


def test_config_without_such_a_step_is_refused(trained, call_tool, tmp_path):
    config, checkpoint = trained
    done = call_tool(
        'tools/fit_decoder.py', config, checkpoint, tmp_path / 'out.pth', code=1
    )
    assert 'has no post-processing step that needs statistics; add model' in done.stderr
    assert not (tmp_path / 'out.pth').exists()


def test_classes_that_are_not_those_of_the_checkpoint_are_refused(
    trained, call_tool, tmp_path
):
    config, checkpoint = trained
    data = small_annotations()
    data['metainfo']['classes'] = data['metainfo']['classes'][::-1]
    save_annotations(data, tmp_path / 'turned.pkl')
    text = f"train_dataloader = dict(dataset=dict(ann_file='{tmp_path}/turned.pkl'))\n"
    turned = derived(config, tmp_path / 'turned.py', VITERBI + text)
    out = tmp_path / 'turned.pth'
    done = call_tool('tools/fit_decoder.py', turned, checkpoint, out, code=1)
    assert f'turned.pkl: class {data["metainfo"]["classes"][0]!r} has the id' in (
        done.stderr
    )
    assert not out.exists()
    data['metainfo']['classes'] = ['class_0', 'class_1', 'class_2', 'more']
    save_annotations(data, tmp_path / 'turned.pkl')
    done = call_tool('tools/fit_decoder.py', turned, checkpoint, out, code=1)
    assert 'turned.pkl: has 4 classes, but model.num_classes of ' in done.stderr


def test_data_without_labels_is_named(trained, call_tool, tmp_path):
    config, checkpoint = trained
    data = small_annotations()
    for video in data['annotations']:
        video['label'][:] = -1
    save_annotations(data, tmp_path / 'unlabelled.pkl')
    file = tmp_path / 'unlabelled.pkl'
    text = f"train_dataloader = dict(dataset=dict(ann_file='{file}'))\n"
    bare = derived(config, tmp_path / 'bare.py', VITERBI + text)
    done = call_tool(
        'tools/fit_decoder.py', bare, checkpoint, tmp_path / 'o.pth', code=1
    )
    assert f'error: {file}: ' in done.stderr
