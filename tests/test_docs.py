"""What the documents show is what works."""

import re

import pytest
import torch
import yaml
from mmaction.structures import ActionDataSample

from mmskelseg.registry import MODELS
from tests.small_data import ROOT


def test_extending_shows_a_backbone_that_works():
    """The example builds, learns, and leaves padding invisible."""
    text = (ROOT / 'docs' / 'extending.md').read_text()
    code = next(
        block for block in re.findall(r'```python\n(.*?)```', text, re.S)
        if 'class GRUBackbone' in block
    )  # fmt: skip
    exec(code, {})
    head = {
        'type': 'SegmentationHead',
        'loss_cls': {'type': 'FrameCrossEntropyLoss'},
    }
    model = MODELS.build(
        {
            'type': 'ActionSegmentor',
            'num_classes': 3,
            'branches': {'heatmap': {'type': 'GRUBackbone', 'in_channels': 4}},
            'head': head,
        }
    )
    x = torch.randn(2, 4, 20)
    samples = [
        ActionDataSample(
            metainfo={'frame_dir': str(n), 'total_frames': n}
        ).set_gt_label(torch.zeros(n, dtype=torch.long))
        for n in (20, 12)
    ]
    assert model({'heatmap': x}, samples, mode='loss')['loss_cls'].requires_grad
    together = model({'heatmap': x}, samples)[:, 1, :, :12]
    torch.testing.assert_close(together, model({'heatmap': x[1:, :, :12]})[:, 0])


@pytest.mark.parametrize(
    'path',
    sorted(ROOT.glob('*.md')) + sorted(ROOT.glob('docs/**/*.md'))
    + sorted(ROOT.glob('configs/**/*.md')),
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)  # fmt: skip
def test_document_links_to_files_that_are_there(path):
    """No link within the repository is broken."""
    for target in re.findall(r'\]\(([^)#]+)', path.read_text()):
        if '://' not in target:
            assert (path.parent / target).exists(), target


def test_every_page_is_in_the_navigation_of_the_site():
    """`make docs` demands the same, with packages that need not be there."""
    site = yaml.safe_load((ROOT / 'mkdocs.yml').read_text())
    entries = re.findall(r"'([^']+\.md)'", str(site['nav']))
    docs = ROOT / 'docs'
    pages = {path.relative_to(docs).as_posix() for path in docs.glob('**/*.md')}
    # Notebooks become pages.
    pages |= {f'tutorials/{path.stem}.md' for path in docs.glob('tutorials/*.ipynb')}
    outside = {'README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md'}
    assert set(entries) == pages | outside
    assert len(entries) == len(set(entries))


def test_every_config_has_a_row_in_the_readme_of_its_folder():
    """A config that stands in no table is one that nobody finds."""
    for config in (ROOT / 'configs').glob('[!_]*/*.py'):
        assert f'`{config.name}`' in (config.parent / 'README.md').read_text()
