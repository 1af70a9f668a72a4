"""Pictures of labels, scores and poses."""
