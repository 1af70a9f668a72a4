"""The commands that run a trained model, a module each."""
