"""Labels from and for other tools: their files as segments in seconds, and back."""

from mmskelseg.interchange.boris import read_boris
from mmskelseg.interchange.boris_events import read_boris_events
from mmskelseg.interchange.boris_export import write_boris, write_boris_events
from mmskelseg.interchange.csv_segments import read_csv_segments, write_csv_segments
from mmskelseg.interchange.cvat import read_cvat
from mmskelseg.interchange.elan import read_elan, write_elan
from mmskelseg.interchange.label_files import READERS, label_format, read_segments
from mmskelseg.interchange.label_studio import read_label_studio, write_label_studio
from mmskelseg.interchange.segments import (
    Segment,
    VideoSegments,
    frame_at,
    labels_to_segments,
    segments_to_labels,
)
from mmskelseg.interchange.srt import write_srt
from mmskelseg.interchange.via import read_via

__all__ = [
    'READERS',
    'Segment',
    'VideoSegments',
    'frame_at',
    'label_format',
    'labels_to_segments',
    'read_boris',
    'read_boris_events',
    'read_csv_segments',
    'read_cvat',
    'read_elan',
    'read_label_studio',
    'read_segments',
    'read_via',
    'segments_to_labels',
    'write_boris',
    'write_boris_events',
    'write_csv_segments',
    'write_elan',
    'write_label_studio',
    'write_srt',
]
