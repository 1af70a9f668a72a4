from mmskelseg.evaluation.metrics.segmentation_metric import SegmentationMetric

__all__ = ['SegmentationMetric']
