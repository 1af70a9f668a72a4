"""The table of parameters, FLOPs and run times, as a user makes it, on small data."""

import json

import pytest
import torch
from mmengine.config import Config
from torch.nn import functional as F

from benchmarks.measuring import count_gflops
from mmskelseg.registry import MODELS
from tests.small_data import ROOT

TOOL = 'tools/analysis/benchmark.py'
CONFIGS = ROOT / 'configs'


@pytest.fixture
def measure(run_tool, small_data, tmp_path):
    """Run the tool on the small data; return its output and its JSON by config."""

    def run(*configs, options=()):
        done = run_tool(
            TOOL,
            'model',
            *[CONFIGS / config for config in configs],
            *('--repeats', 2, '--out', 'table.json', '--cfg-options'),
            f'test_dataloader.dataset.ann_file={small_data}',
            *options,
        )
        content = json.loads((tmp_path / 'table.json').read_text())
        return done.stdout, content['configs']

    return run


def test_benchmark_model_counts_what_the_layers_multiply(measure):
    """All of MS-TCN++ is products of matrices: two operations a weight and frame.

    A tap that reaches past the video multiplies nothing there, and the merge of two
    convolutions goes into their weights once.
    """
    shown, results = measure('skelseg/toy_joint_limb.py')
    result = results['skelseg/toy_joint_limb']
    network = MODELS.build(Config.fromfile(CONFIGS / 'skelseg/toy_joint_limb.py').model)
    products = 0
    for name, layer in network.named_modules():
        if hasattr(layer, 'merge'):
            far, near = layer.conv_far.dilation[0], layer.conv_near.dilation[0]
            frames = 50 + 2 * max(50 - far, 0) + 2 * max(50 - near, 0)
            products += 64 * 64 * frames + layer.merge.weight.numel() * 64 * 3
        elif hasattr(layer, 'conv_dilated'):
            reach = layer.conv_dilated.dilation[0]
            products += 64 * 64 * (2 * 50 + 2 * max(50 - reach, 0))
        elif name.endswith('conv_in') or 'classifiers.' in name:
            products += layer.weight.numel() * 50
    assert result['frames'] == 50
    assert result['gflops']['segmentor'] == pytest.approx(2 * products / 1e9)
    total = sum(parameter.numel() for parameter in network.parameters())
    assert result['parameters'] == {'segmentor': total, 'heatmap: encoder': 0}
    assert f'{total:,}' in shown
    times = result['ms']
    parts = ['heatmap: render', 'heatmap: encoder', 'segmentor']
    assert list(times) == [*parts, 'all']
    assert min(times.values()) > 0
    assert 0.5 < sum(times[part] for part in parts) / times['all'] < 2
    assert '1 thread(s), torch' in shown


def test_benchmarks_count_attention():
    """Each of 3 queries multiplies 5 keys, then as many values, of 4 channels."""
    query, key = torch.ones(1, 3, 4), torch.ones(1, 5, 4)
    gflops = count_gflops(lambda: F.scaled_dot_product_attention(query, key, key))
    assert gflops == pytest.approx(2 * 3 * 5 * (4 + 4) / 1e9)


def test_benchmark_model_measures_each_modality(measure):
    """Encoders are counted apart, with random weights, so that nothing is fetched."""
    branches = [
        f'{key}={value}'
        for name in ('joint', 'limb')
        for key, value in (
            (f'model.branches.{name}.in_channels', 512),
            (
                f'test_dataloader.dataset.features.{name}.encoder.arch',
                'torchvision.resnet18',
            ),
        )
    ]
    _, results = measure('skelseg/uwiom_fusion_joint_limb.py', options=branches)
    result = results['skelseg/uwiom_fusion_joint_limb']
    # ResNet-18's 11,689,512 without its classifier of 1000 classes.
    resnet18 = 11_689_512 - 512 * 1000 - 1000
    assert result['parameters']['joint: encoder'] == resnet18
    assert result['parameters']['limb: encoder'] == resnet18
    flops = result['gflops']
    assert flops['joint: encoder'] == flops['limb: encoder'] > 1
    assert set(result['ms']) == {
        *('joint: render', 'joint: encoder', 'limb: render', 'limb: encoder'),
        *('segmentor', 'all'),
    }


def test_benchmark_model_lays_configs_side_by_side(measure, tmp_path):
    """Coordinates need no encoder; data that is missing leaves blanks and a remedy."""
    config = tmp_path / 'ms_tcn2' / 'coco.py'
    config.parent.mkdir()
    config.write_text(
        f'_base_ = {str(CONFIGS / "ms_tcn2" / "uwiom_pose2d.py")!r}\n'
        'model = dict(branches=dict(pose2d=dict(in_channels=68)))\n'
    )
    shown, results = measure(config, 'skelseg/uwiom_fusion.py')
    coordinates = results['ms_tcn2/coco']
    assert list(coordinates['parameters']) == ['segmentor']
    assert list(coordinates['ms']) == ['pose2d: render', 'segmentor', 'all']
    fusion = results['skelseg/uwiom_fusion']
    assert 'ms' not in fusion
    assert fusion['parameters']['rgb: encoder'] == 23_508_032
    assert 'add it to the annotation file' in fusion['note']
    row = next(line for line in shown.splitlines() if 'ms a video, all' in line)
    cells = [cell.strip() for cell in row.strip('|').split('|')]
    assert float(cells[1]) == pytest.approx(coordinates['ms']['all'], abs=0.06)
    assert cells[2] == ''


def test_benchmark_model_needs_no_data_to_count_parameters(run_tool, tmp_path):
    """Without annotations it says how to make them; a table is written as Markdown."""
    config = CONFIGS / 'ms_gcn' / 'uwiom_pose3d.py'
    shown = run_tool(TOOL, 'model', config, '--out', 'table.md').stdout
    assert '640,534' in shown
    assert 'there is no such folder data/uwiom; run `mmskelseg convert uwiom' in shown
    assert (tmp_path / 'table.md').read_text() in shown


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['no.py'], 'no.py: there is no such config'),
        (['--out', 'a.txt', 'no.py'], 'a.txt: the name must end in .md or .json'),
        (['--repeats', 0, 'no.py'], "--repeats: '0' is not a whole number from 1"),
    ],
)
def test_benchmark_model_names_wrong_arguments(call_tool, arguments, message):
    assert message in call_tool(TOOL, 'model', *arguments, code=2).stderr
