"""What the page says of segments to check."""

from pathlib import Path

import numpy as np
import pytest

from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_runtime.segmenting import explaining
from mmskelseg_studio import predicting
from tests.test_segmenting.test_explaining import reach, recording, segmenter_of


@pytest.fixture
def explained(monkeypatch):
    """Explain two intervals of a recording by so many frames; return the reasons."""

    def run(frames, probability=reach, **settings):
        monkeypatch.setattr(explaining, '_FRAMES', frames)
        model = segmenter_of(probability, (0, 100, 200), **settings)
        model.classes = ('rest', 'reach')
        model.videos = lambda _: (['take1', 'b'], [recording(300), {'frame_dir': 'b'}])
        rows = [
            {'video': 'take1', 'start_frame': start, 'end_frame': start + 20}
            for start in (20, 60)
        ]
        for row in rows:
            row['reason'] = 'the model is unsure'
        file = Path('annotations.pkl')
        predicting.add_carriers(model, file, PrintedEvents(), rows)
        return [row['reason'] for row in rows]

    return run


def test_reasons_name_what_carries_a_label(explained):
    assert explained(9999) == ['the model is unsure; rest: wrist, 80 %'] * 2


@pytest.mark.parametrize(
    ('frames', 'settings'),
    [
        (0, {}),
        (9999, {'needs_video': True}),
        (9999, {'probability': lambda video: np.full(video['total_frames'], 0.6)}),
    ],
)
def test_reasons_stay_if_nothing_is_found(explained, frames, settings):
    """If it takes long, the model reads frames, or no part is above chance."""
    assert explained(frames, **settings) == ['the model is unsure'] * 2
