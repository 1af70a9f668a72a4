"""From any annotation file to a trained model, without an edit."""

import json
import shlex
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmskelseg.checkpoints.reading import load_checkpoint
from mmskelseg.export.streaming import streaming_model
from mmskelseg.registry import MODELS
from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.structures.objects import BOX
from tests.errors import assert_names
from tests.small_data import small_annotations, with_3d

TINY = [
    'train_cfg.max_epochs=4',
    'default_hooks.checkpoint.interval=1',
    'default_hooks.checkpoint.max_keep_ckpts=-1',
]


@pytest.fixture
def make_config(call_tool, tmp_path):
    """Write annotations and the config for them; return it with what was printed."""

    def make(data, *args, code=0):
        save_annotations(data, tmp_path / 'annotations.pkl')
        out = tmp_path / 'mine.py'
        done = call_tool(
            'tools/make_config.py', tmp_path / 'annotations.pkl', out, *args, code=code
        )
        text = done.stdout + done.stderr
        return (text, Config.fromfile(out)) if code == 0 else (text, None)

    return make


def without_script(*args):
    """Return annotations of which one video has the classes the other way round."""
    data = small_annotations(*args)
    data['annotations'][0]['label'] = data['annotations'][0]['label'][::-1].copy()
    return data


def test_config_states_the_data_and_inherits_the_rest(make_config, tmp_path):
    """17 joints of 4 channels in 2D; a step for each of 1,500 epochs, shared by two."""
    text, cfg = make_config(without_script())
    assert 'recipe pose2d, since 3 of 3 videos have no keypoint_3d' in text
    assert "trains on 'train' (2 videos, 105 frames)" in text
    assert '750 steps of 2 networks in 750 epochs, 0.1 million frames: about ' in text
    assert cfg.model.members == 2
    assert cfg.model.branches.pose2d.in_channels == 68
    assert cfg.model.num_classes == cfg.test_evaluator.num_classes == 3
    for mode in ('train', 'val', 'test'):
        dataset = cfg[f'{mode}_dataloader'].dataset
        assert dataset.ann_file == str(tmp_path / 'annotations.pkl')
    # What the file says is what differs from other data.
    assert len((tmp_path / 'mine.py').read_text().splitlines()) < 30


def test_several_frame_rates_are_told_of(make_config):
    data = without_script()
    data['annotations'][0]['fps'] = 20.0
    assert 'videos have 10 to 20 frames per second' in make_config(data)[0]


def test_trainings_of_long_recordings_are_planned_from_their_labels(make_config):
    """80 s of ten minutes are three crops, of which 100 epochs see six in two steps."""
    data = small_annotations((12_000, 12_000, 50))
    for video in data['annotations'][:2]:
        video['label'][1600:] = -1
    text, _ = make_config(data)
    assert "'train' (2 videos, 3200 of 24000 frames labelled)" in text
    assert '200 steps in 100 epochs, 0.4 million frames' in text


def test_videos_without_labels_are_not_planned_for(make_config):
    data = small_annotations((60, 45, 50, 50))
    data['annotations'][1]['label'][:] = -1
    text, cfg = make_config(data)
    assert "trains on 'train' (2 videos, 110 frames)" in text
    assert cfg.train_cfg.max_epochs == 750


def as_clips(data, test=True):
    """Return annotations of clips of one action each, of the test videos if asked."""
    names = data['split']['test'] if not test else ()
    for i, video in enumerate(data['annotations']):
        if video['frame_dir'] not in names:
            video['label'][:] = i % 2
    return data


def test_clips_are_joined_and_planned_as_recordings(make_config):
    """40 clips of 30 frames fill two recordings of 600 frames, which are a step.

    Orders are not known of clips, nor are videos recombined.
    """
    data = as_clips(small_annotations([30] * 40 + [50]), test=False)
    text, cfg = make_config(data)
    assert '40 of 40 training videos are clips of one action each' in text
    assert 'recombined' not in text
    assert '750 steps of 2 networks in 750 epochs, 0.9 million frames' in text
    first, second, *_ = cfg.train_dataloader.dataset.pipeline
    assert (first, second.type) == ({'type': 'JoinClips'}, 'RandomTimeWarp')
    assert 'scores do not say' not in text
    steps = [{'type': 'MinDuration'}, {'type': 'ActionOrder', 'frames': 1, 'cost': 4.0}]
    assert cfg.model.postprocess == steps
    _, cfg = make_config(data, '--streaming', '2', '--overwrite')
    assert cfg.train_dataloader.dataset.pipeline[0] == {'type': 'JoinClips'}


def test_scores_of_clips_say_nothing_of_recordings(make_config):
    text, cfg = make_config(as_clips(small_annotations([30] * 9)))
    assert 'scores do not say' in text
    assert 'JoinClips' not in str(cfg.test_dataloader)


@pytest.mark.parametrize('number', [1, 3])
def test_recordings_are_not_joined_if_few_show_one_action(make_config, number):
    """Or if those show all the same action, or most frames have no label."""
    data = small_annotations((60, 45, 50, 50, 50, 50))
    for video in data['annotations'][:number]:
        video['label'][:] = 0
    text, cfg = make_config(data)
    steps = cfg.train_dataloader.dataset.pipeline
    assert 'clips' not in text
    assert 'JoinClips' not in [step.type for step in steps]


def test_3d_skeletons_are_read_if_that_is_asked(make_config):
    """17 joints of 4 or 6 channels; new videos only give those in 2D."""
    data = with_3d(small_annotations())
    text, cfg = make_config(data)
    assert 'recipe pose2d, since' in text
    assert '--recipe pose3d' in text
    assert cfg.model.branches.pose2d.in_channels == 68
    _, cfg = make_config(data, '--recipe', 'pose3d', '--overwrite')
    assert cfg.model.branches.pose3d.in_channels == 102
    assert list(cfg.test_dataloader.dataset.features) == ['pose3d']


def test_3d_skeletons_are_read_if_there_are_no_others(make_config):
    data = with_3d(small_annotations())
    for video in data['annotations']:
        video['keypoint'][:] = 0
    text, _ = make_config(data)
    assert 'recipe pose3d, since the joints in 2D are always missing' in text


def with_others(data):
    """Return annotations whose videos show a second person, close to the first."""
    for video in data['annotations']:
        for key in ('keypoint', 'keypoint_score', 'keypoint_3d'):
            if key in video:
                other = video[key] + (key != 'keypoint_score')
                video[key] = np.concatenate([video[key], other])
    return data


@pytest.mark.parametrize(('add', 'view', 'dims', 'options', 'channels'), [
    # Besides 68: a flag, 18 places and a change in 2D, its speed, four distances.
    (lambda data: data, 'side', 2, {'turn': False}, 68 + 1 + 36 + 2 + 1 + 4),
    (lambda data: data, 'top', 2, {}, 68 + 1 + 36 + 2 + 1 + 4 + 2),
    (with_3d, 'side', 3, {'vertical': 1}, 102 + 1 + 54 + 3 + 1 + 4 + 2),
])  # fmt: skip
def test_pairs_are_read_in_2d_or_3d(make_config, add, view, dims, options, channels):
    """Bodies are turned where they show a heading; the rest is that of the recipe."""
    data = add(with_others(small_annotations()))
    data['metainfo']['view'] = view
    name = f'pose{dims}d'
    said, plain = make_config(data, '--recipe', name, '--no-pairs')
    assert '3 of 3 videos show several' in said
    assert '--pairs' in said
    text, cfg = make_config(data, '--recipe', name, '--pairs', '--overwrite')
    assert 'is seen with the nearest other' in text
    expected = {'type': 'PairCoordinates', 'dims': dims, **options}
    for mode in ('train', 'val', 'test'):
        dataset = cfg[f'{mode}_dataloader'].dataset
        assert dataset.features == {name: {'render': expected, 'online': True}}
    assert cfg.model.branches[name].in_channels == channels
    steps = cfg.train_dataloader.dataset.pipeline
    assert steps == plain.train_dataloader.dataset.pipeline
    assert not {'render', 'features'} & set(cfg)


@pytest.mark.parametrize('labelled', [False, True])
def test_streams_of_pairs_have_causal_coordinates(make_config, labelled):
    """Without individuals in the file, labels are those of the first person."""
    data = with_others(small_annotations())
    if labelled:
        for video in data['annotations']:
            video['individuals'] = ['a', 'b']
            video['label'] = np.stack([video['label'], video['label'][::-1]])
    _, cfg = make_config(data, '--pairs', '--streaming', '0.5', '--epochs', '1')
    render = cfg.test_dataloader.dataset.features.pose2d.render
    first = {} if labelled else {'person': 0}
    assert render == {
        'type': 'PairCoordinates', 'dims': 2, 'causal': True, 'turn': False, **first,
    }  # fmt: skip
    assert streaming_model(MODELS.build(cfg.model)).in_channels == (
        cfg.model.branches.pose2d.in_channels
    )


def with_objects(data, in_3d=False):
    """Return annotations with a box and a hammer in the first video."""
    data['metainfo']['objects'] = {'box': [*BOX], 'hammer': ['head'], 'saw': ['tip']}
    for i, video in enumerate(data['annotations']):
        T = video['total_frames']
        video['objects'] = [
            {
                'name': kind, 'kind': kind, 'score': np.ones((T, P)),
                'points': np.ones((T, P, 2)),
                **({'points_3d': np.ones((T, P, 3))} if in_3d else {}),
            }
            for kind, P in (('box', 4), ('hammer', 1))
            if i == 0
        ]  # fmt: skip
    return data


@pytest.mark.parametrize(('view', 'recipe', 'add', 'dims', 'options'), [
    ('side', 'pose2d', with_objects, 2, {'turn': False}),
    ('top', 'pose2d', with_objects, 2, {}),
    ('side', 'pose3d', lambda d: with_objects(with_3d(d)), 2, {'turn': False}),
    ('side', 'pose3d', lambda d: with_objects(with_3d(d), True), 3, {'vertical': 1}),
])  # fmt: skip
def test_objects_are_seen_by_themselves(make_config, view, recipe, add, dims, options):
    """Those that any training video shows, beside the coordinates of the recipe."""
    data = add(small_annotations())
    data['metainfo']['view'] = view
    flags = ['--overwrite', '--recipe', recipe]
    text, cfg = make_config(data, *flags)
    assert 'also sees where objects are (box, hammer)' in text
    plain_text, plain = make_config(data, *flags, '--no-objects')
    assert 'sees where objects' not in plain_text
    ((name, before),) = plain.test_dataloader.dataset.features.items()
    kinds = {'box': [*BOX], 'hammer': ['head']}
    objects = {'type': 'ObjectCoordinates', 'dims': dims, 'kinds': kinds, **options}
    render = {'type': 'Concatenate', 'parts': [before.render, objects]}
    for mode in ('train', 'val', 'test'):
        dataset = cfg[f'{mode}_dataloader'].dataset
        assert dataset.features == {name: {'render': render, 'online': True}}
    # Of each: a flag, a place and its change, a size, distances from both wrists and
    # their changes.
    more = 2 * (1 + dims + dims + 1 + 2 + 2)
    channels = plain.model.branches[name].in_channels + more
    assert cfg.model.branches[name].in_channels == channels
    assert not {'render', 'features'} & set(cfg)


def test_objects_of_streams_and_of_pairs_are_causal(make_config):
    data = with_others(with_objects(small_annotations()))
    text, cfg = make_config(data, '--pairs', '--streaming', '0.5', '--epochs', '1')
    assert 'live VIDEO' in text
    parts = cfg.test_dataloader.dataset.features.pose2d.render.parts
    assert [part.type for part in parts] == ['PairCoordinates', 'ObjectCoordinates']
    assert all(part.causal for part in parts)
    assert [part.person for part in parts] == [0, 0]


PLACES = [
    {'name': 'nest', 'shape': 'polygon', 'points': [[0, 0], [9, 0], [9, 9]]},
    {'name': 'lamp', 'shape': 'point', 'points': [[5, 5]]},
    {'name': '40 cm', 'shape': 'line', 'points': [[0, 0], [9, 0]]},
]


@pytest.mark.parametrize(
    ('view', 'in_3d', 'options'),
    [
        ('side', False, {'dims': 2}),
        ('top', False, {'dims': 2, 'view': True}),
        ('side', True, {'dims': 3, 'vertical': 1, 'view': True}),
    ],
)
def test_places_are_seen_by_themselves(make_config, view, in_3d, options):
    """Those of the file, without known lengths; on the floor, in 3D."""
    data = with_3d(small_annotations()) if in_3d else small_annotations()
    more = {'space': 'floor'} if in_3d else {}
    data['metainfo'] |= {'view': view, 'places': [{**one, **more} for one in PLACES]}
    flags = ['--overwrite', '--recipe', 'pose3d' if in_3d else 'pose2d']
    text, cfg = make_config(data, *flags)
    assert 'relative to places (nest, lamp)' in text
    plain_text, plain = make_config(data, *flags, '--no-places')
    assert 'relative to places' not in plain_text
    ((name, before),) = plain.test_dataloader.dataset.features.items()
    own, part = cfg.test_dataloader.dataset.features[name].render.parts
    expected = {
        'type': 'PlaceCoordinates',
        'places': {'nest': 'polygon', 'lamp': 'point'},
    }
    assert (own, part) == (before.render, expected | options)
    # A flag, inside, a distance and its change, and a cosine.
    channels = plain.model.branches[name].in_channels + 2 * (4 + ('view' in options))
    assert cfg.model.branches[name].in_channels == channels


def test_config_for_streams_looks_ahead_in_seconds(make_config, tmp_path):
    """Of 10 frames each, of which at most half are for the minimum duration.

    Joints are in 2D, as cameras see them.
    """
    text, cfg = make_config(with_3d(small_annotations()), '--streaming', '0.3')
    assert 'recipe pose2d, since cameras and pose estimators find joints in 2D' in text
    assert 'Live with:  mmskelseg live 0 ' in text
    assert 'Labels only change to one that lasts for 2 frames (model.postproce' in text
    assert text.endswith('(lookahead: 3 frames)\n')
    branch = cfg.model.branches.pose2d
    assert (branch.causal, branch.lookahead, branch.in_channels) == (True, 2, 68)
    assert cfg.model.postprocess == [{'type': 'CausalMinDuration', 'frames': 2}]
    assert cfg.test_dataloader.dataset.features.pose2d.render.causal
    # There is no time for more than one frame.
    _, cfg = make_config(small_annotations(), '--streaming', '0.1', '--overwrite')
    assert cfg.model.branches.pose2d.lookahead == 1
    assert 'postprocess' not in cfg.model


def test_sides_that_heatmaps_cannot_tell_apart_are_noted(make_config):
    """They are told apart by pairs, which the names of these joints do not show."""
    data = small_annotations()
    note = 'The skeleton names no pairs of left and right joints'
    text, cfg = make_config(data, '--recipe', 'heatmap_cnn')
    assert note not in text
    joints = [f'joint_{j}' for j in range(17)]
    data['metainfo']['skeleton'] = {'joints': joints, 'limbs': [[0, 1]]}
    text, _ = make_config(data, '--recipe', 'heatmap_cnn', '--overwrite')
    assert note in text
    text, _ = make_config(data, '--overwrite')
    assert note not in text


@pytest.mark.parametrize('segmentor', ['asformer', 'ms_tcn2'])
def test_orders_are_those_of_the_data_unless_options_say_otherwise(
    make_config, segmentor
):
    """Only ASFormer is trained on recombined videos without being asked."""
    flags = ['--segmentor', segmentor, '--overwrite']
    is_asformer = segmentor == 'asformer'

    def steps_and_crops(data, *options):
        _, cfg = make_config(data, *flags, *options)
        assert 'pipeline' not in cfg
        assert cfg.train_dataloader.dataset.split == 'train'
        dataset = cfg.train_dataloader.dataset
        first, *others = dataset.pipeline
        found = first.transitions if first.type == 'RecombineSegments' else None
        if found is None:
            others = [first, *others]
        return found, dataset.crop_frames, others

    *free, steps = steps_and_crops(without_script())
    assert free == ['any' if is_asformer else None, 600]
    for data, options, expected in (
        (small_annotations(), [], ['observed' if is_asformer else None, 4800]),
        (
            without_script(),
            ['--no-any-order'],
            ['observed' if is_asformer else None, 4800],
        ),
        (small_annotations(), ['--any-order'], ['any', 600]),
    ):
        *found, others = steps_and_crops(data, *options)
        assert found == expected
        assert others == steps
    data = small_annotations()
    fill('label', 0, 'train', 'test')(data)
    *single, others = steps_and_crops(data)
    assert (single, others) == ([None, 600], steps)


def test_bodies_seen_from_above_are_turned_and_mirrored(make_config):
    """By any angle; not mirrored if a class is of one side."""
    data = without_script()
    _, side = make_config(data)
    data['metainfo']['view'] = 'top'
    text, cfg = make_config(data, '--overwrite')
    assert 'camera looks from above' in text
    first, turn, mirror, *others = cfg.train_dataloader.dataset.pipeline
    assert (turn.type, turn.degrees) == ('RandomRotation', 180)
    assert mirror.type == 'RandomHorizontalFlip'
    assert [first, *others] == side.train_dataloader.dataset.pipeline
    data['metainfo']['classes'][0] = 'turn Left'
    text, cfg = make_config(data, '--overwrite')
    assert "not mirrored, since a class is named 'turn Left'" in text
    assert [first, turn, *others] == cfg.train_dataloader.dataset.pipeline


def test_animals_that_face_everywhere_are_turned_in_3d(make_config):
    data = with_3d(without_script())
    _, plain = make_config(data, '--recipe', 'pose3d')
    rng = np.random.default_rng(0)
    for video in data['annotations']:
        points = rng.normal(0, [3, 1, 1], video['keypoint_3d'].shape)
        turns = rng.uniform(0, 6.3, (1, video['total_frames'], 1))
        x, z = points[..., 0].copy(), points[..., 2].copy()
        points[..., 0] = x * np.cos(turns) - z * np.sin(turns)
        points[..., 2] = x * np.sin(turns) + z * np.cos(turns)
        video['keypoint_3d'] = points.astype(np.float32)
    text, cfg = make_config(data, '--recipe', 'pose3d', '--overwrite')
    assert 'Up is -y, since the annotation file says so' in text
    steps = cfg.train_dataloader.dataset.pipeline
    assert (steps[1].type, steps[1].degrees) == ('RandomRotation3D', 180)
    assert [steps[0], *steps[2:]] == plain.train_dataloader.dataset.pipeline


def test_a_video_of_one_frame_is_no_fault(make_config):
    data = small_annotations(lengths=[30, 1, 20])
    for recipe in ('pose2d', 'heatmap_cnn'):
        make_config(data, '--recipe', recipe, '--overwrite')


@pytest.mark.parametrize('recipe', ['pose2d', 'heatmap_cnn'])
def test_segmentors_read_what_the_recipe_gives(make_config, recipe):
    """One ASFormer, or two that read coordinates of short videos, has its features."""
    flags = ['--recipe', recipe, '--overwrite']
    _, plain = make_config(small_annotations(), *flags, '--segmentor', 'ms_tcn2')
    _, cfg = make_config(small_annotations(), *flags)
    ((name, before),) = plain.model.branches.items()
    ((_, branch),) = cfg.model.branches.items()
    assert (before.type, plain.model.members) == ('MSTCNPlusPlus', 3)
    assert (branch.type, cfg.model.members) == ('ASFormer', 1 + (recipe == 'pose2d'))
    for key in ('in_channels', 'standardize', 'stem'):
        assert branch.get(key) == before.get(key)
    for model in (cfg.model, plain.model):
        assert model.postprocess[0] == {'type': 'MinDuration'}
    assert cfg.test_dataloader == plain.test_dataloader


def test_config_is_read_where_nothing_has_imported_the_package(make_config, tmp_path):
    """MMAction2's own tools read a config before its `default_scope` imports us."""
    make_config(small_annotations())
    code = (
        'import sys, mmengine; print(mmengine.Config.fromfile(sys.argv[1]).model.type)'
    )
    words = [sys.executable, '-c', code, tmp_path / 'mine.py']
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == 'ActionSegmentor\n'


# The steps without a script: orders count as much as a frame.
DOUBTING = [{'type': 'MinDuration'}, {'type': 'ActionOrder', 'frames': 1}]


def with_orders(*orders, lengths=60):
    """Return annotations whose videos have these classes, background 0, in turn."""
    data = small_annotations(lengths=[lengths] * len(orders))
    data['metainfo']['background'] = 'class_0'
    for video, order in zip(data['annotations'], orders, strict=True):
        classes = np.array([int(c) for c in order])
        video['label'] = np.repeat(classes, lengths // len(order))
    return data


def test_script_is_kept_whole_and_in_order(make_config):
    """Each action of the three that train is predicted by the two others."""
    data = with_orders('1020340', '1203400', '0120304', '1234123', lengths=700)
    data['metainfo']['classes'] = [f'class_{i}' for i in range(5)]
    text, cfg = make_config(data)
    assert 'The previous action predicts 100 % of the next ones' in text
    dataset = cfg.train_dataloader.dataset
    assert dataset.pipeline[0].transitions == 'observed'
    assert (dataset.crop_frames, cfg.train_dataloader.batch_size) == (4800, 4)
    order = {'type': 'ActionOrder', 'background': 0}
    assert cfg.model.postprocess == [{'type': 'MinDuration'}, order]
    _, cfg = make_config(data, '--streaming', '0.3', '--overwrite')
    assert [step.type for step in cfg.model.postprocess] == ['CausalMinDuration']
    text, cfg = make_config(data, '--any-order', '--overwrite')
    assert '--no-any-order' in text
    assert cfg.model.postprocess == DOUBTING
    dataset = cfg.train_dataloader.dataset
    assert dataset.pipeline[0].transitions == 'any'
    assert dataset.crop_frames == 600


def test_orders_that_predict_little_are_not_preferred(make_config):
    """Also where they are kept."""
    data = with_orders('1234', '3142', '2413', '1234')
    data['metainfo']['classes'] = [f'class_{i}' for i in range(5)]
    _, cfg = make_config(data, '--no-any-order')
    assert cfg.train_dataloader.dataset.crop_frames == 4800
    assert cfg.model.postprocess == DOUBTING


def test_step_of_a_script_has_4800_frames(make_config):
    data = with_orders('123', '123', '123', '123', lengths=2100)
    data['metainfo']['classes'] = [f'class_{i}' for i in range(4)]
    _, cfg = make_config(data)
    assert cfg.train_dataloader.batch_size == 2
    data = with_orders('123', '123', '123', '123', lengths=6000)
    data['metainfo']['classes'] = [f'class_{i}' for i in range(4)]
    _, cfg = make_config(data, '--overwrite')
    assert cfg.train_dataloader.batch_size == 1
    assert cfg.train_dataloader.dataset.crop_frames == 4800


def test_folds_are_used_where_there_is_no_other_split(make_config):
    data = small_annotations()
    names = [video['frame_dir'] for video in data['annotations']]
    data['split'] = {
        f'{fold}/{part}': members
        for fold, test in (('a', names[:1]), ('b', names[1:2]))
        for part, members in (
            ('train', [name for name in names if name not in test]),
            ('test', test),
        )
    }
    _, cfg = make_config(data)
    assert cfg.train_dataloader.dataset.split == 'a/train'
    _, cfg = make_config(data, '--overwrite', '--fold', 'b', '--epochs', '7')
    assert cfg.train_dataloader.dataset.split == 'b/train'
    assert cfg.test_dataloader.dataset.split == 'b/test'
    assert cfg.train_cfg.max_epochs == 7


@pytest.mark.parametrize(
    ('flags', 'splits'),
    [
        ('', ('xsub_train', 'xsub_val')),
        ('--train xview_train', ('xview_train', 'xview_val')),
        ('--test xview_val', ('xview_train', 'xview_val')),
        ('--fold xview', ('xview_train', 'xview_val')),
        ('--train xsub_val --test xsub_train', ('xsub_val', 'xsub_train')),
    ],
)
def test_splits_have_the_names_of_mmaction2(flags, splits, make_config):
    data = small_annotations()
    a, b, c = (video['frame_dir'] for video in data['annotations'])
    data['split'] = {
        'xsub_train': [a, b],
        'xsub_val': [c],
        'xview_train': [b, c],
        'xview_val': [a],
    }
    _, cfg = make_config(data, *flags.split())
    loaders = cfg.train_dataloader, cfg.test_dataloader
    assert tuple(loader.dataset.split for loader in loaders) == splits


def test_a_file_that_is_there_is_not_replaced(make_config, tmp_path):
    """Somebody may have edited it."""
    (tmp_path / 'mine.py').write_text('# mine')
    text, _ = make_config(small_annotations(), code=1)
    assert 'already exists; name another file, or add --overwrite' in text
    assert (tmp_path / 'mine.py').read_text() == '# mine'


def test_a_class_that_no_training_video_shows_is_named(make_config):
    data = small_annotations()
    for video in data['annotations']:
        if video['frame_dir'] in data['split']['train']:
            video['label'][video['label'] == 2] = 0
    text, _ = make_config(data)
    name = data['metainfo']['classes'][2]
    assert f'No training video shows {name!r}, which will therefore not be' in text


def test_a_video_that_is_not_used_does_not_refuse_the_recipe(make_config):
    data = with_3d(small_annotations((60, 45, 50, 40)))
    del data['annotations'][2]['keypoint_3d']
    data['split'] = {'train': ['video_0', 'video_1'], 'test': ['video_3']}
    text, _ = make_config(data, '--recipe', 'pose3d')
    assert 'recipe pose3d' in text


def rate(data):
    data['annotations'][0]['fps'] = 15


def splits(data):
    data['split'] = {'train': ['video_0'], 'rest': ['video_1']}


def people(data):
    video = data['annotations'][1]
    for key in ('keypoint', 'keypoint_score'):
        video[key] = np.concatenate([video[key], video[key]])


def with_one(data):
    """The second of two persons is never seen in one video."""
    with_others(data)['annotations'][1]['keypoint_score'][1] = 0


def fill(key, value, *parts):
    def change(data):
        for video in data['annotations']:
            if any(video['frame_dir'] in data['split'][part] for part in parts):
                video[key][:] = value

    return change


def unknown_up(data):
    del with_3d(data)['metainfo']['up']


def places(*each):
    def change(data):
        for video, found in zip(data['annotations'], each, strict=True):
            video['places'] = found

    return change


def without_objects(data):
    del with_objects(data)['annotations'][2]['objects']


def keep(data):
    pass


NEST = PLACES[:1]
POINT = [{**NEST[0], 'shape': 'point', 'points': [[5, 5]]}]
REFUSED = {
    'no lamp': (places(PLACES, PLACES, NEST), '', 'video_2 | lamp | --no-places'),
    'shapes': (places(NEST, NEST, POINT), '', 'video_0 | nest | point | --no-places'),
    'no objects': (without_objects, '', 'video_2 | --no-objects'),
    'no 3D': (keep, '--recipe pose3d', "'video_0' has no keypoint_3d | first of 3"),
    'heatmaps of streams': (keep, '--streaming 1 --recipe heatmap', 'heatmap | --stre'),
    'long wait': (keep, '--streaming 6', '--streaming 6 | 6 s'),
    'alone': (with_one, '--pairs', "'video_1' shows one person | --pairs needs two"),
    'heatmaps of pairs': (with_others, '--pairs --recipe heatmap', 'heatmap | --pairs'),
    'rates': (rate, '--streaming 1', '10 to 15 frames'),
    'people': (people, '--streaming 0.3', "'video_1' has 2 persons | --streaming"),
    'whole videos': (keep, '--segmentor asformer --streaming 1', 'asformer'),
    'no fold': (keep, '--fold c', "'c' | c/train | c/test"),
    'no split': (splits, '', "no split 'test' | train, rest | --test"),
    'no such split': (keep, '--train xsub', "'xsub' | train, test"),
    'both': (keep, '--train test', "'video_2' | 'test'"),
    'twice named': (keep, '--fold a --test test', '--fold | --train | --test'),
    'one action': (fill('label', 0, 'train', 'test'), '--any-order', '--any-order'),
    'no joint': (fill('keypoint_score', 0, 'train'), '', "'train' | keypoint"),
    'no place': (fill('keypoint', 0, 'train'), '', 'docs/datasets/common_layout.md'),
    'which way is up': (
        unknown_up,
        '--recipe pose3d',
        "metainfo['up'] | --recipe pose2d",
    ),
    'no label': (fill('label', -1, 'train'), '', "'train' | -1"),
    'none to test': (fill('label', -1, 'test'), '', "'test' | -1"),
}


@pytest.mark.parametrize('case', REFUSED)
def test_what_a_recipe_cannot_train_on_is_refused(case, make_config):
    """Before time is spent on it."""
    change, flags, named = REFUSED[case]
    data = small_annotations()
    change(data)
    text, _ = make_config(data, *flags.split(), code=1)
    assert_names(text, named)


@pytest.mark.parametrize('flags', [
    [], ['--any-order', '--segmentor', 'ms_tcn2', '--recipe', 'heatmap_cnn'],
    ['--pairs', '--observers', 'shares'],
])  # fmt: skip
def test_text_is_tidy_and_quotes_what_it_names(call_tool, tmp_path, flags):
    """As ruff formats it, whatever the names of files, folders and folds are."""
    folder = tmp_path / 'it\'s "mine" ü'
    data = with_others(small_annotations())
    data['split'] = {f"o'ne/{key}": value for key, value in data['split'].items()}
    save_annotations(data, folder / 'a b.pkl')
    out = folder / 'new folder' / 'mine v2.py'
    done = call_tool('tools/make_config.py', folder / 'a b.pkl', out, *flags)
    cfg = Config.fromfile(out)
    assert cfg.test_dataloader.dataset.ann_file == str(folder / 'a b.pkl')
    assert cfg.train_dataloader.dataset.split == "o'ne/train"
    train, test = (
        shlex.split(line.partition(': ')[2]) for line in done.stdout.splitlines()[-2:]
    )
    assert train == ['mmskelseg', 'train', str(out)]
    assert test == ['mmskelseg', 'test', str(out)]
    assert not {'ann_file', 'pipeline', 'backbone'} & set(cfg)
    style = ['--isolated', '--config', "format.quote-style = 'single'"]
    subprocess.run(
        [sys.executable, '-m', 'ruff', 'format', *style, '--check', str(out)],
        check=True,
    )


def test_a_path_is_no_template(call_tool, tmp_path):
    """MMEngine replaces what is between two braces by a variable, and could run it."""
    folder = tmp_path / '{{$NOBODY:x}}'
    save_annotations(small_annotations(), folder / 'a.pkl')
    call_tool('tools/make_config.py', folder / 'a.pkl', tmp_path / 'mine.py')
    cfg = Config.fromfile(tmp_path / 'mine.py')
    assert cfg.test_dataloader.dataset.ann_file == str(folder / 'a.pkl')


def test_a_file_that_cannot_be_written_is_named(call_tool, small_data, tmp_path):
    (tmp_path / 'file').touch()
    out = tmp_path / 'file' / 'mine.py'
    done = call_tool('tools/make_config.py', small_data, out, code=1)
    assert f'error: {out.parent}: File exists; name another' in done.stderr


@pytest.mark.parametrize(('args', 'message'), [
    (['mine.txt'], 'must end in .py'),
    (['mine.py', '--epochs', '0'], "--epochs: '0' is not a whole number from 1"),
])  # fmt: skip
def test_arguments_are_checked(call_tool, tmp_path, args, message):
    code = 2 if '--epochs' in args else 1
    done = call_tool('tools/make_config.py', tmp_path / 'a.pkl', *args, code=code)
    assert message in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ('add', 'flags'),
    [
        (lambda data: data, ['--segmentor', 'ms_tcn2']),
        (with_3d, []),
        (with_others, ['--pairs']),
        (as_clips, []),
    ],
    ids=['2d by ms_tcn2', '3d', 'pairs', 'clips'],
)
def test_config_trains_tests_and_segments(make_config, run_tool, tmp_path, add, flags):
    """As it is written: train, test, and label a video of the file."""
    make_config(add(small_annotations()), *flags)
    run_tool('tools/train.py', 'mine.py', '--cfg-options', *TINY)
    folder = tmp_path / 'work_dirs' / 'mine'
    (modality,) = load_checkpoint(folder / 'epoch_4.pth')['state_dict'].keys() & {
        f'branches.{name}.standardizer.fitted' for name in ('pose2d', 'pose3d')
    }
    state = load_checkpoint(folder / 'epoch_4.pth')['state_dict']
    assert state[modality]
    assert state[modality.replace('fitted', 'mean')].any()
    run_tool('tools/test.py', 'mine.py', folder / 'epoch_4.pth')
    assert 0 <= json.loads((folder / 'metrics.json').read_text())['seg/acc'] <= 100
    run_tool(
        'demo/demo.py', 'annotations.pkl', 'mine.py', folder / 'epoch_4.pth', '--split',
        'test', '--out', 'out', '--formats', 'csv',
    )  # fmt: skip
    assert list((tmp_path / 'out').glob('*.csv'))


@pytest.mark.slow
def test_recipe_resumes_to_the_bit(make_config, run_tool, stop_early, tmp_path):
    """Augmentation, schedule and averaged weights, with another number of workers."""
    make_config(small_annotations())

    def train(*flags, workers=0):
        options = [*TINY, f'train_dataloader.num_workers={workers}']
        run_tool('tools/train.py', 'mine.py', *flags, '--cfg-options', *options)

    train('--work-dir', 'through', '--seed', 3)
    stop_early('through', 'stopped')
    # The seed is that of the checkpoint.
    train('--work-dir', 'stopped', '--resume', workers=2)
    through, stopped = (
        load_checkpoint(tmp_path / name / 'epoch_4.pth')
        for name in ('through', 'stopped')
    )
    for key in ('state_dict', 'ema_state_dict'):
        assert all(torch.equal(v, stopped[key][k]) for k, v in through[key].items())
    averaged = through['state_dict']
    own = {k.removeprefix('module.'): v for k, v in through['ema_state_dict'].items()}
    assert not all(torch.equal(averaged[k], own[k]) for k in averaged)


@pytest.mark.slow
def test_running_statistics_are_averaged_as_weights_are(
    make_config, run_tool, tmp_path
):
    """Those of the last videos alone do not fit the averaged weights."""
    make_config(small_annotations(), '--recipe', 'heatmap_cnn')
    run_tool('tools/train.py', 'mine.py', '--work-dir', 'work', '--cfg-options', *TINY)
    saved = load_checkpoint(tmp_path / 'work' / 'epoch_4.pth')
    last, averaged = saved['ema_state_dict'], saved['state_dict']
    for name in ('running_mean', 'running_var'):
        key = f'branches.heatmap.stem.norm_out.{name}'
        difference = (averaged[key] - last[f'module.{key}']).abs().max()
        assert difference > 1e-3


def test_training_that_diverges_ends_at_once(make_config, call_tool, tmp_path):
    """In the step in which the loss is no number, with what to do."""
    make_config(small_annotations())
    work = tmp_path / 'work'
    done = call_tool(
        'tools/train.py', tmp_path / 'mine.py', '--work-dir', work, '--cfg-options',
        *TINY, 'model.members=1', 'optim_wrapper.optimizer.lr=1e38', code=1,
    )  # fmt: skip
    assert 'the training diverged, so it ends here' in done.stderr
    assert 'in epoch ' in done.stderr
    for file in work.glob('*.pth'):
        state = load_checkpoint(file)['state_dict']
        assert all(torch.isfinite(value).all() for value in state.values())
