"""From an annotation file to a trained model, and a report on how far to trust it."""
