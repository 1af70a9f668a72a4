"""What to label next: the stretches of videos that a model is least sure of."""
