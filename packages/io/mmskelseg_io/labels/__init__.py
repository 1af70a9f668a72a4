"""Readers and writers of label files, as segments in seconds.

Each tool has a module, which registers its reader. Readers raise a :class:`UserError`,
a ``ValueError``, for a file that is not of their format or is inconsistent; writers
raise one for a video that lacks something they need.
"""

from mmskelseg_io.entry_points import import_entry_points
from mmskelseg_io.files.formats import import_modules
from mmskelseg_io.labels.boris import (
    write_boris,
    write_boris_events,
)
from mmskelseg_io.labels.elan import read_elan, write_elan
from mmskelseg_io.labels.label_studio import write_label_studio
from mmskelseg_io.labels.reading import (
    READERS,
    label_format,
    read_ethogram,
    read_segments,
)
from mmskelseg_io.labels.segments import (
    ClassInfo,
    Segment,
    VideoSegments,
    frame_at,
    labels_to_segments,
    segments_to_labels,
    segments_to_tiers,
    tiers_to_segments,
)
from mmskelseg_io.labels.text import (
    write_csv_segments,
    write_srt,
    write_time_budget,
)

__all__ = [
    'READERS',
    'ClassInfo',
    'Segment',
    'VideoSegments',
    'frame_at',
    'label_format',
    'labels_to_segments',
    'read_elan',
    'read_ethogram',
    'read_segments',
    'segments_to_labels',
    'segments_to_tiers',
    'tiers_to_segments',
    'write_boris',
    'write_boris_events',
    'write_csv_segments',
    'write_elan',
    'write_label_studio',
    'write_srt',
    'write_time_budget',
]

# Register all tools, and those of other packages.
import_modules(__name__, __path__)
import_entry_points('label_formats')
import_entry_points('exports')
