"""Readers and writers of label files, as segments in seconds.

Each tool has a module, which registers its reader. Readers raise a :class:`UserError`,
a ``ValueError``, for a file that is not of their format or is inconsistent; writers
raise one for a video that lacks something they need.
"""

from mmskelseg.runtime.files.formats import import_modules
from mmskelseg.runtime.labels.bento import read_bento, write_bento
from mmskelseg.runtime.labels.boris import (
    read_boris,
    read_boris_events,
    write_boris,
    write_boris_events,
)
from mmskelseg.runtime.labels.calms21 import read_calms21
from mmskelseg.runtime.labels.caltech import read_caltech
from mmskelseg.runtime.labels.cvat import read_cvat
from mmskelseg.runtime.labels.deepethogram import read_deepethogram, write_deepethogram
from mmskelseg.runtime.labels.elan import read_elan, write_elan
from mmskelseg.runtime.labels.ethovision import read_ethovision
from mmskelseg.runtime.labels.jabs import read_jabs
from mmskelseg.runtime.labels.label_studio import read_label_studio, write_label_studio
from mmskelseg.runtime.labels.observer import read_observer
from mmskelseg.runtime.labels.reading import (
    READERS,
    label_format,
    read_ethogram,
    read_segments,
)
from mmskelseg.runtime.labels.segments import (
    ClassInfo,
    Segment,
    VideoSegments,
    frame_at,
    labels_to_segments,
    segments_to_labels,
    segments_to_tiers,
    tiers_to_segments,
)
from mmskelseg.runtime.labels.simba import read_simba
from mmskelseg.runtime.labels.solomon import read_solomon
from mmskelseg.runtime.labels.text import (
    read_csv_segments,
    write_csv_segments,
    write_srt,
    write_time_budget,
)
from mmskelseg.runtime.labels.via import read_via

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

# Register the tools that are not named above, too.
import_modules(__name__, __path__)
