"""Export of trained models, from `mmskelseg.trained`."""

from mmskelseg.trained.export import ExportReport, export_onnx

__all__ = ['ExportReport', 'export_onnx']
