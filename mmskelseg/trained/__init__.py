"""Trained models: opening them, once and with the trust that they deserve."""
