"""Export of trained models, from `mmskelseg.export`."""

from mmskelseg.export.export import ExportReport, export_onnx

__all__ = ['ExportReport', 'export_onnx']
