"""What users say of their files of poses and labels, in commands and in Python."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from logging import WARNING
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mmskelseg_io.files.parsing import by_name, read_dicts
from mmskelseg_io.labels import READERS
from mmskelseg_io.labels.reading import EACH_SUBJECT
from mmskelseg_io.messages.errors import UserError, shown
from mmskelseg_io.messages.logs import print_log
from mmskelseg_io.messages.options import Fraction, Positive, checked, option
from mmskelseg_io.objects import FORMATS as OBJECT_FORMATS
from mmskelseg_io.objects import FoundObjects, find_objects
from mmskelseg_io.places import places_for, read_places
from mmskelseg_io.poses import FORMATS, Poses, read_poses, to_coco17
from mmskelseg_io.poses.layouts import stated_layout
from mmskelseg_io.poses.poses import check_stated_size
from mmskelseg_io.structures.choices import EACH, POLICIES
from mmskelseg_io.structures.skeleton import Layout, Skeleton

# Options of label files that may be repeated.
_SEVERAL = ('observation', 'tier', 'attribute', 'control', 'behavior')


def assignment(text: str) -> tuple[str, str]:
    """Return the name and the value of a text NAME=VALUE.

    >>> assignment('hand_l=left_wrist'), assignment('subject=')
    (('hand_l', 'left_wrist'), ('subject', ''))
    """
    name, equals, value = text.partition('=')
    if not name or not equals:
        raise UserError(f'{text} is not NAME=VALUE')
    return name, value


def kind_of_objects(text: str) -> tuple[str, str]:
    """Return the class in a file and the kind of a text CLASS or CLASS=KIND.

    >>> kind_of_objects('cup'), kind_of_objects('3=cup')
    (('cup', 'cup'), ('3', 'cup'))
    """
    name, equals, kind = text.partition('=')
    return assignment(text) if equals and kind else (name, name)


@checked
@dataclass(frozen=True)
class ObjectInput:
    """Where the objects in videos are, and which of them are used."""

    objects: Sequence[str | os.PathLike] = option(
        'files with the objects in the videos, of a detector, a tracker or an '
        'annotation tool, or folders of them, named after the videos; '
        'docs/object_formats.md lists the formats',
        (),
        metavar='FILE',
    )
    object_format: str | None = option(
        'format of the files of objects (default: recognised by name and content)',
        None,
        choices=OBJECT_FORMATS,
    )
    object_kinds: Sequence[tuple[str, str]] | Mapping[str, str] = option(
        'classes of objects to use, each with another name for it, if wanted, such as '
        'cup 3=hammer (default: all, by the names in the files)',
        (),
        type=kind_of_objects,
        metavar='CLASS[=KIND]',
    )
    object_thr: Fraction = option(
        'leave out objects with a lower score (default: %(default)s)',
        0.0,
        metavar='SCORE',
    )

    def read(self) -> list[FoundObjects]:
        """Return the objects of each video that are used."""
        found = find_objects([*map(Path, self.objects)], self.object_format)
        kinds = dict(self.object_kinds)
        there = dict.fromkeys(kind for one in found for kind in one.kinds)
        for kind in kinds:
            if kind not in there:
                raise UserError(
                    f'--object-kinds {kind}: no file has such objects; choose from '
                    f'{", ".join(there) or "none"}.'
                )
        chosen = [one.chosen(kinds, self.object_thr) for one in found]
        if any(video.found for video in chosen):
            return chosen
        left_out = (one for video in found for one in video.chosen(kinds).found)
        if scores := [np.max(one.score) for one in left_out]:
            print_log(
                f'--object-thr {self.object_thr:g} leaves out all objects; the highest '
                f'score is {max(scores):g}.',
                WARNING,
            )
        return chosen


@dataclass(frozen=True)
class PlaceFile:
    """Where the places in videos are."""

    places: Path | None = option(
        'file of the places in the videos, such as GeoJSON, VIA, Label Studio, napari, '
        'SimBA or a table (docs/places.md), instead of those in annotation files',
        None,
        metavar='FILE',
    )

    def of(self, videos: Iterable[str]) -> dict[str, list[Mapping[str, Any]]]:
        """Return the ``places`` of videos by name, none if no file is given."""
        if self.places is None:
            return {}
        path, found = self.places, read_places(self.places)
        # Videos without places of their own share one list.
        made: dict[int, list[Mapping[str, Any]]] = {
            id(own): [one.record() for one in own] for own in found.values()
        }
        return {name: made[id(places_for(found, name, path))] for name in videos}


def named_joints(path: str | os.PathLike | None, layout: Layout) -> dict[str, str]:
    """Return the joints of files of poses by those of a model, none without a file.

    The table has the columns ``model`` and ``own``, and a row for each joint whose name
    differs; ``own`` is empty if there is no such joint.

    Raises:
        UserError: If a joint of the model is unknown, or one is listed twice.
    """
    if path is None:
        return {}
    known = Skeleton.get(layout).joints
    rows = read_dicts(path, 'model', 'own')
    for place, row in rows:
        if row['model'] not in known:
            raise UserError(
                f'{place}: says that the joint {shown(row["model"])} of the model is '
                f'{shown(row["own"])}; name one of {", ".join(known)}, and yours.'
            )
    by_name([(row['own'], row) for _, row in rows if row['own']], str(path), 'joints')
    return by_name([(row['model'], row['own']) for _, row in rows], str(path), 'joints')


@checked
@dataclass(frozen=True)
class PoseInput:
    """How files of poses are read, and whose poses are used."""

    person: str = option(
        'which of several people to use: the longest track, the largest box, the '
        'highest score, everybody at once, everybody separately, or one by name '
        '(default: %(default)s)',
        'track',
        metavar='|'.join((*POLICIES, EACH, 'NAME')),
    )
    others: bool = option(
        'also keep the other people or animals of a video, for mmskelseg make-config '
        '--pairs',
        False,
    )
    fps: Positive | None = option(
        'frames per second of the poses, instead of what their files or videos state',
        None,
    )
    img_shape: tuple[int, int] | None = option(
        'size of the images to which the poses refer, if their files do not state it '
        '(default: that of the video)',
        None,
        flag='--size',
    )
    pose_format: str | None = option(
        'format of the files of poses (default: recognised by name and content)',
        None,
        choices=FORMATS,
    )
    first_frame: int | None = option(
        'image_id of the first frame of COCO results, such as those of AlphaPose, if '
        'nobody is seen in it (default: the smallest, if it is 0 or 1)',
        None,
        metavar='ID',
    )
    skeleton: Layout | None = option(
        'layout of the joints: coco17, mmpose:NAME, or a JSON file with joints and '
        'limbs',
        None,
        type=stated_layout,
    )
    kpt_thr: Fraction | None = option(
        'treat joints with a lower score as missing, here and in all videos that the '
        'model labels; 0.6 is usual for DeepLabCut',
        None,
        metavar='SCORE',
    )
    coco17: bool = option(
        "convert all poses to COCO's 17 joints, by the names of joints", False
    )
    part: Sequence[tuple[str, str]] = option(
        'with --coco17, the COCO joint that corresponds to a joint of the file, such '
        'as hand_l=left_wrist; may be repeated',
        (),
        type=assignment,
        action='append',
        metavar='NAME=JOINT',
    )

    def read(
        self,
        path: Path,
        img_shape: tuple[int, int] | None = None,
        unnamed: Layout | None = None,
    ) -> Poses:
        """Return the poses of everybody in a file, without joints of a low score.

        Args:
            path: The file or folder.
            img_shape: Height and width of the video, if there is one.
            unnamed: The layout of joints without names; see :func:`read_poses`.

        Raises:
            UserError: If the file is not as stated.
        """
        size = self.img_shape or img_shape
        poses = read_poses(
            path,
            self.pose_format,
            skeleton=self.skeleton,
            unnamed=unnamed,
            img_shape=size,
            first_frame=self.first_frame,
        )
        check_stated_size(poses, self.img_shape, str(path))
        poses = poses.above(self.kpt_thr or 0)
        if self.coco17 or self.part:
            poses = to_coco17(poses, dict(self.part), str(path))
        return poses.noting(img_shape=poses.img_shape or size)


#: The fields of objects.
OF_OBJECTS = tuple(one.name for one in fields(ObjectInput))
#: The fields that a trained model leaves to its user.
OF_NEW_VIDEOS = ('person', 'fps', 'img_shape', 'pose_format', 'first_frame')


@checked
@dataclass(frozen=True)
class LabelInput:
    """How files of labels are read, and which classes frames get from them.

    ``person`` is that of :class:`PoseInput`, whose labels these are.
    """

    person: str = PoseInput.person
    subjects: Path | None = option(
        'with --person each, a table with the columns subject and individual, if names '
        'in labels differ from those in poses',
        None,
        metavar='FILE',
    )
    label_format: str | None = option(
        'format of LABELS', None, choices=[*READERS, 'framewise']
    )
    label_fps: Positive | None = option(
        'frames per second of labels that are given in frames', None, metavar='FPS'
    )
    label_option: Sequence[tuple[str, str]] = option(
        'what to read from a label file, such as subject=ann or point_seconds=0.1 '
        '(BORIS), tier=actions (ELAN), attribute=action (VIA, CVAT), behavior=Attack '
        '(SimBA, EthoVision); observation, tier, attribute, behavior and control '
        '(Label Studio) may be repeated',
        (),
        type=assignment,
        action='append',
        metavar='NAME=VALUE',
    )
    strict: bool = option(
        'stop with an error if an observation (BORIS), task (Label Studio, CVAT), '
        'annotation (ELAN) or video (VIA) does not fit, instead of skipping it',
        False,
    )
    classes: Sequence[str] = option(
        'classes in the order of their ids, or a text file with one per line (default: '
        'those of the labels, in alphabetical order)',
        (),
        metavar='NAME',
    )
    background: Sequence[str] = option(
        'class for nothing of interest, which the scores Edit and F1 ignore (default: '
        'none); with several tiers, the background of all that have this class, or '
        'TIER=NAME for some of them',
        (),
        nargs='+',
        action='extend',
        metavar='NAME',
    )
    tiers: Path | None = option(
        'JSON file with the classes of each tier, such as {"posture": ["stand", '
        '"sit"], "sniff": ["sniff"]}; a tier of one class gets a background, `no '
        'sniff` (default: the tiers of the label files, or else as --overlap says)',
        None,
        metavar='FILE',
    )
    unlabelled: Literal['error', 'background', 'ignore'] = option(
        'frames without a label: stop with an error, give them the background, or '
        'leave them out of training and scores (default: %(default)s)',
        'error',
    )
    overlap: Literal['tiers', 'error', 'background', 'later'] = option(
        'frames with labels of two classes: give these classes tiers of their own '
        '(less than 0.3 s at a boundary stops with an error all the same), or keep one '
        'tier and stop with an error, give such frames the background, or the class '
        'that starts later (default: %(default)s)',
        'tiers',
    )
    clip_labels: bool = option(
        'cut labels at the end of the recording, even if they end over 5 seconds after '
        'it; up to 5 seconds are cut anyway',
        False,
    )

    @property
    def each(self) -> bool:
        """Whether labels of several individuals are read, each with its own."""
        return self.person == EACH

    def reader_options(self) -> dict[str, object]:
        """Return the options of readers, as lists where several are given.

        >>> given = [('tier', 'a'), ('subject', 'ann'), ('tier', 'b')]
        >>> LabelInput(label_option=given, label_fps=25).reader_options()
        {'tier': ['a', 'b'], 'subject': 'ann', 'fps': 25}
        """
        found: dict[str, list[str]] = {}
        for name, value in self.label_option:
            found.setdefault(name, []).append(value)
            if len(found[name]) > 1 and name not in _SEVERAL:
                raise UserError(f'--label-option {name} is given twice; choose one.')
        each = {'subject': EACH_SUBJECT} if self.each else {}
        fps = {} if self.label_fps is None else {'fps': self.label_fps}
        given = {n: values if values[1:] else values[0] for n, values in found.items()}
        return {**each, **given, **fps}


@dataclass(frozen=True)
class StationFile:
    """What work is done at a station."""

    station: Path | None = option(
        'table of the work in each class, for the risk: the columns class and '
        'some of load_kg, coupling (good, fair, poor, unacceptable), shock, static, '
        'repeated, rapid, sitting, supported, raised (yes or no)',
        None,
        metavar='FILE',
    )
