"""Segmentation of videos and streams by exported models, and the files it writes."""
