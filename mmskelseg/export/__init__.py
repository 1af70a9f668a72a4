"""Trained models: opening them safely, predictions, streams, and export."""
