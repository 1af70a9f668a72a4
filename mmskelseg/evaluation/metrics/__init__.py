"""MMEngine metrics over the functions of evaluation."""

from mmskelseg.evaluation.metrics.risk_metric import RiskMetric
from mmskelseg.evaluation.metrics.segmentation_metric import SegmentationMetric

__all__ = ['RiskMetric', 'SegmentationMetric']
