"""Label files of annotation tools: one module per format, with reader and writer."""
