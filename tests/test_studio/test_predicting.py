"""What the page says of segments to check."""

from pathlib import Path

import numpy as np
import pytest

from mmskelseg.runtime.jobs.events import PrintedEvents
from mmskelseg.studio import predicting
from tests.test_runtime.test_segmenting.test_explaining import (
    reach,
    recording,
    segmenter_of,
)


@pytest.fixture
def explained(monkeypatch):
    """Explain two intervals of a recording in so many seconds; return the reasons."""

    def run(seconds, probability=reach, **settings):
        monkeypatch.setattr(predicting, 'EXPLAINING', seconds)
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
    assert explained(60) == ['the model is unsure; rest: wrist, 80 %'] * 2


@pytest.mark.parametrize(
    ('seconds', 'settings'),
    [
        (0, {}),
        (60, {'needs_video': True}),
        (60, {'probability': lambda video: np.full(video['total_frames'], 0.6)}),
    ],
)
def test_reasons_stay_if_nothing_is_found(explained, seconds, settings):
    """If there is no time, the model reads frames, or no part is above chance."""
    assert explained(seconds, **settings) == ['the model is unsure'] * 2
