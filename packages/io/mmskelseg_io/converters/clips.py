"""Cut recordings into clips with one label each, as MMAction2 trains on them."""

import pickle
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.files.atomic import atomic_write
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.counts import counted
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count, argument, option
from mmskelseg_io.structures.annotations import AnnotationFile, VideoAnnotation
from mmskelseg_io.structures.bodies import frames_of, only_in_3d
from mmskelseg_io.structures.individuals import alone
from mmskelseg_io.structures.segments import resolve_background, to_segments

#: In fewer frames, a recogniser hardly sees an action.
MIN_FRAMES = 5
# What a clip keeps of its recording, besides skeletons.
_KEPT = ('img_shape', 'fps', 'person')


def cut_clips(
    data: AnnotationFile,
    *,
    background: bool = False,
    min_frames: int = MIN_FRAMES,
    in_3d: bool = False,
) -> tuple[dict[str, Any], Mapping[str, int]]:
    """Return a clip for each segment of recordings, and how many got none, by reason.

    This is the content of a skeleton pickle of MMAction2: the label of a clip is the id
    of its class, and splits have the clips of their recordings. It also has the
    metainfo, and each clip ``part_of``: its recording, and its first frame there.

    Args:
        data: Annotations.
        background: Whether segments of the background class become clips, too.
        min_frames: Shorter segments become none.
        in_3d: Whether ``keypoint`` of the clips is the ``keypoint_3d`` of recordings,
            without scores, as in NTU RGB+D; it is if there is nothing else.

    Raises:
        UserError: If frames have several labels, joints are not known in 3D, or no
            segment becomes a clip.
    """
    meta = data['metainfo']
    if 'tiers' in meta:
        raise UserError(
            f'frames have a label of each tier ({", ".join(meta["tiers"])}), but a '
            'clip has one label; keep one tier.'
        )
    in_3d = in_3d or only_in_3d(meta)
    ground = resolve_background(meta['background'], meta['classes'])
    clips: dict[str, list[dict[str, Any]]] = {}
    without: Counter[str] = Counter()
    for video in map(alone, data['annotations']):
        own = clips[video['frame_dir']] = []
        for start, end, label in to_segments(video['label']):
            if label == ground and not background:
                without['of the background'] += 1
            elif end - start < min_frames:
                without[f'shorter than {min_frames} frames'] += 1
            else:
                own.append(_clip(video, start, end, in_3d) | {'label': label})
    if not any(clips.values()):
        raise UserError(
            f'no segment becomes a clip: {_listed(without) or "no frame has a label"}.'
        )
    split = {
        name: [clip['frame_dir'] for member in members for clip in clips[member]]
        for name, members in data['split'].items()
    }
    made = {
        'split': {name: members for name, members in split.items() if members},
        'annotations': [clip for own in clips.values() for clip in own],
        'metainfo': meta,
    }
    return made, without


def _clip(video: VideoAnnotation, start: int, end: int, in_3d: bool) -> dict[str, Any]:
    """Return some frames of a recording as a clip without label."""
    recording, first = video.get('part_of', (video['frame_dir'], 0))
    clip: dict[str, Any] = {
        'frame_dir': f'{video["frame_dir"]}_{start:06d}',
        'total_frames': end - start,
        **{key: value for key, value in video.items() if key in _KEPT},
        **frames_of(slice(start, end))(video),
        'part_of': (recording, first + start),
    }
    if in_3d and 'keypoint_3d' not in clip:
        raise UserError(
            f'video {video["frame_dir"]!r} has no keypoint_3d; cut clips in 2D.'
        )
    if in_3d:
        clip['keypoint'] = clip.pop('keypoint_3d')
        del clip['keypoint_score'], clip['img_shape']
    return clip


def _listed(without: Mapping[str, int]) -> str:
    return ', '.join(f'{count:,} {reason}' for reason, count in without.items())


@dataclass(frozen=True, kw_only=True)
class ConvertClips(Job[Path]):
    """Cut recordings into clips with one label each, as MMAction2 trains on them.

        %(prog)s data/precog/annotations.pkl data/precog/clips.pkl

    Each segment becomes a clip, in the splits of its recording; MMAction2's PoseDataset
    reads OUT as it is, and so does mmskelseg. Class ids stay as they are.
    """

    annotations: Path = argument('annotation file', metavar='ANN')
    out: Path = argument('pickle to write', metavar='OUT.pkl')
    background: bool = option('also cut clips of the background class', False)
    min_frames: Count = option(
        'leave out segments of fewer than N frames (default: %(default)s)',
        MIN_FRAMES,
    )
    in_3d: bool = option(
        'joints in 3D, as of NTU RGB+D, if every recording has keypoint_3d', False
    )

    def run(self, events: Events) -> Path:
        """Write the clips, and tell how many there are."""
        if self.out.suffix != '.pkl':
            raise UserError(f'{self.out}: MMAction2 reads names that end in .pkl.')
        data = load_annotations(self.annotations)
        clips, without = cut_clips(
            data,
            background=self.background,
            min_frames=self.min_frames,
            in_3d=self.in_3d,
        )
        with atomic_write(self.out) as file:
            pickle.dump(clips, file, protocol=4)
        left_out = f'; left out: {_listed(without)}' if without else ''
        cut = counted(len(clips['annotations']), 'clip')
        recordings = counted(len(data['annotations']), 'recording')
        events.note(f'{self.out}: {cut} of {recordings}{left_out}.')
        for name, members in clips['split'].items():
            events.note(f'  {name}: {counted(len(members), "clip")}')
        return self.out


main = ConvertClips.main
