"""Label files of annotation tools, reader and writer of a format side by side."""
