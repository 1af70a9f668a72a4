"""What to label next: the stretches of videos of which a model is least sure."""
