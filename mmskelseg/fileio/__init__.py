"""What trainings leave: checkpoints, their configs and predictions, read safely."""
