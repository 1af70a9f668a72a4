"""Stands for ``xtcocotools``, which MMPose imports and few environments can have."""
