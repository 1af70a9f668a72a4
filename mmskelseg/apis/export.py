"""The export of trained models, which is among the trained models."""

from mmskelseg.trained.export import ExportReport, export_onnx

__all__ = ['ExportReport', 'export_onnx']
