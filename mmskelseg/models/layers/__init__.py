"""Layers that backbones share, and helpers for padded batches."""
