"""Readers and writers of label files, as segments in seconds.

Each tool has a module, which registers its reader. Readers raise a :class:`UserError`,
a ``ValueError``, for a file that is not of their format or is inconsistent; writers
raise one for a video that lacks something they need.
"""

from mmskelseg_io.entry_points import import_entry_points
from mmskelseg_io.files.formats import import_modules
from mmskelseg_io.labels.bento import read_bento, write_bento
from mmskelseg_io.labels.boris import (
    read_boris,
    read_boris_events,
    write_boris,
    write_boris_events,
)
from mmskelseg_io.labels.calms21 import read_calms21
from mmskelseg_io.labels.caltech import read_caltech
from mmskelseg_io.labels.cvat import read_cvat
from mmskelseg_io.labels.deepethogram import read_deepethogram, write_deepethogram
from mmskelseg_io.labels.elan import read_elan, write_elan
from mmskelseg_io.labels.ethovision import read_ethovision
from mmskelseg_io.labels.jabs import read_jabs
from mmskelseg_io.labels.label_studio import read_label_studio, write_label_studio
from mmskelseg_io.labels.observer import read_observer
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
from mmskelseg_io.labels.simba import read_simba
from mmskelseg_io.labels.solomon import read_solomon
from mmskelseg_io.labels.text import (
    read_csv_segments,
    write_csv_segments,
    write_srt,
    write_time_budget,
)
from mmskelseg_io.labels.via import read_via

__all__ = [
    'READERS',
    'ClassInfo',
    'Segment',
    'VideoSegments',
    'frame_at',
    'label_format',
    'labels_to_segments',
    'read_bento',
    'read_boris',
    'read_boris_events',
    'read_calms21',
    'read_caltech',
    'read_csv_segments',
    'read_cvat',
    'read_deepethogram',
    'read_elan',
    'read_ethogram',
    'read_ethovision',
    'read_jabs',
    'read_label_studio',
    'read_observer',
    'read_segments',
    'read_simba',
    'read_solomon',
    'read_via',
    'segments_to_labels',
    'segments_to_tiers',
    'tiers_to_segments',
    'write_bento',
    'write_boris',
    'write_boris_events',
    'write_csv_segments',
    'write_deepethogram',
    'write_elan',
    'write_label_studio',
    'write_srt',
    'write_time_budget',
]

# Register the tools that are not named above, and those of other packages, too.
import_modules(__name__, __path__)
import_entry_points('label_formats')
import_entry_points('exports')
