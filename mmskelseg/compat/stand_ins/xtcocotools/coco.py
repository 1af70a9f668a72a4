"""Annotations in COCO's format, as pycocotools reads them."""

from pycocotools.coco import COCO

__all__ = ['COCO']
