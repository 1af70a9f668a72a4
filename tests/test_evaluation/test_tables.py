import numpy as np

from mmskelseg.evaluation import SegmentationMetric
from mmskelseg_behaviour.functional.report import format_report


def evaluated(videos):
    """Return the metric of predictions of videos that walk, then stand."""
    metric = SegmentationMetric(3, average='video')
    metric.dataset_meta = {'classes': ['walk', 'stand', 'jump'], 'background': 'stand'}
    for frame_dir, pred in videos.items():
        pred = np.array(pred)
        metric.process(
            None,
            [
                {
                    'frame_dir': frame_dir,
                    'gt_label': np.array([0, 0, 1, 1]),
                    'pred_label': pred,
                    'pred_score': np.eye(3)[:, pred],
                }
            ],
        )
    metric.evaluate(len(videos))
    return metric


def test_format_report_names_scores_classes_and_conventions():
    metric = evaluated({'a': [0, 0, 1, 1], 'b': [0, 0, 0, 1]})
    lines = format_report(metric.report).splitlines()
    assert lines[0] == (
        'Scores of 2 videos in percent, mean over videos; ± standard deviation over '
        'videos; background: stand'
    )
    assert 'Acc     87.50  ± 12.50' in lines
    assert 'Edit   100.00   ± 0.00' in lines
    walk, stand, jump = lines[-3:]
    # Ranks of walk: four hits and a miss of equal score. Recall 4 of 4.
    assert walk.split() == ['walk', '80.00', '100.00', '100.00', '2', '4']
    assert stand.split()[2:] == ['-', '75.00', '0', '4']
    assert jump.split() == ['jump', '-', '-', '-', '0', '0']


def test_format_report_shows_no_deviation_of_a_single_video():
    """± 0.00 would look like a result that can be trusted."""
    text = format_report(evaluated({'a': [0, 0, 1, 1]}).report)
    assert '±' not in text
    assert text.startswith('Scores of 1 video in percent, mean over videos; backgr')
    assert 'Acc    100.00' in text.splitlines()
