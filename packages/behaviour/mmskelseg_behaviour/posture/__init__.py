"""Postures of people at work: joint angles, and the scores REBA and RULA by task."""
