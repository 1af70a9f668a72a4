"""From what was dropped on the page to a prediction and its files."""

import os
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from mmskelseg.apis.exports import EXPORTS, write_exports, write_people
from mmskelseg.apis.inferencer import SkelSegInferencer
from mmskelseg.apis.pose_estimators import PoseEstimator
from mmskelseg.fileio.names import file_name
from mmskelseg.fileio.video import VIDEO_SUFFIXES, is_video
from mmskelseg.interchange.poses.reading import SUFFIXES
from mmskelseg.utils.choices import EACH
from mmskelseg.utils.errors import MissingFileError, UserError
from mmskelseg.utils.progress import Listener, progress_listener

# All but a GIF, which long videos cannot have.
FORMATS = tuple(name for name in EXPORTS if name != 'gif')
# Results that are kept for download; older ones are deleted.
_KEPT = 20


@dataclass(frozen=True)
class Result:
    """The prediction of a video, or of each of its people, and the files of it."""

    predictions: list[Mapping[str, Any]]
    files: list[Path]


class PageSegmenter:
    """Segments what was dropped, one request after the other.

    Args:
        checkpoints: A checkpoint, or a folder of trainings.
        results: Folder for the files of results.
        ensemble: With one checkpoint: further ones of the same config, such as of other
            seeds, whose probabilities are averaged with its own.
        config: A config for checkpoints that do not hold theirs.
        device: Where the model runs; by default a GPU, if there is one.
        pose_estimator: As for :class:`mmskelseg.apis.SkelSegInferencer`.

    Raises:
        FileNotFoundError: If there is no such checkpoint or folder.
        ValueError: If the folder holds no checkpoint, or is to be one of an ensemble.
    """

    def __init__(
        self,
        checkpoints: str | os.PathLike,
        results: str | os.PathLike,
        *,
        ensemble: Sequence[str | os.PathLike] = (),
        config: str | os.PathLike | None = None,
        device: str | None = None,
        pose_estimator: str | Mapping[str, Any] | PoseEstimator = 'mediapipe',
    ) -> None:
        self.checkpoints = Path(checkpoints)
        self.results = Path(results)
        self.ensemble = [Path(file) for file in ensemble]
        self.config = config
        self.device = device
        self.pose_estimator = pose_estimator
        self._inferencer: SkelSegInferencer | None = None
        self._version: list[tuple[Path, int]] | None = None
        self._kept: list[Path] = []
        self._lock = Lock()
        self.choices()
        if self.ensemble and not self.checkpoints.is_file():
            raise UserError(
                f'{self.checkpoints}: a folder, but an ensemble is of one config; name '
                'one checkpoint, and the others of its ensemble.'
            )
        for file in self.ensemble:
            if not file.is_file():
                raise MissingFileError(f'{file}: there is no such checkpoint.')

    def choices(self) -> list[str]:
        """Return the names of the checkpoints that are there now."""
        return list(find_checkpoints(self.checkpoints))

    def newest(self) -> str:
        """Return the name of the checkpoint that was written last."""
        files = find_checkpoints(self.checkpoints)
        return max(files, key=lambda name: files[name].stat().st_mtime)

    def run(
        self,
        video: str | os.PathLike | None,
        poses: str | os.PathLike | None,
        checkpoint: str | None,
        person: str = 'track',
        fps: float | None = None,
        min_score: float = 0.0,
        *,
        listener: Listener,
    ) -> Result:
        """Return the prediction of one video, or of each person, with the files.

        Args:
            video: Its file.
            poses: File of its poses; without, they are estimated where the model needs
                them.
            checkpoint: One of ``choices()``.
            person: See ``SkelSegInferencer``, as for the next two.
            fps: Frames per second of the poses, where nothing states them.
            min_score: Segments of less confidence become unlabelled.
            listener: Told how far the work is.

        Raises:
            FileNotFoundError: If the checkpoint is gone.
            ValueError: If nothing was dropped, or something that does not fit.
        """
        inputs = _checked(video, poses)
        with self._lock, progress_listener(listener):
            listener('Loading the model', 0, 1)
            inferencer = self._loaded(checkpoint)
            predictions = inferencer(
                inputs,
                poses=poses if video and poses else None,
                person=person,
                fps=fps or None,
                min_score=min_score,
            )['predictions']
            folder = self._new_folder()
            files = []
            if person == EACH:
                files += write_people(predictions, folder, FORMATS, codec='avc1')
            for one in predictions:
                prefix = f'{file_name(one["person"])}_' if person == EACH else ''
                files += write_exports(
                    one, folder, FORMATS, prefix=prefix, codec='avc1'
                )
        return Result(predictions, files)

    def _loaded(self, name: str | None) -> SkelSegInferencer:
        """Return the inferencer of a checkpoint, of which the last one is kept."""
        path = find_checkpoints(self.checkpoints).get(name or '')
        if path is None:
            raise MissingFileError(
                f'{name or "No checkpoint"}: not among the checkpoints of '
                f'{self.checkpoints}; choose one in the list.'
            )
        # A training that goes on may write the file anew.
        files = [path, *self.ensemble]
        version = [(file, file.stat().st_mtime_ns) for file in files]
        if self._inferencer is None or self._version != version:
            # The last one goes first, so that no two are held.
            self._inferencer, self._version = None, version
            self._inferencer = SkelSegInferencer(
                None if self.config is None else os.fspath(self.config),
                files,
                self.device,
                pose_estimator=self.pose_estimator,
            )
        # Its networks, once loaded, serve other checkpoints as well.
        self.pose_estimator = self._inferencer.pose_estimator
        return self._inferencer

    def _new_folder(self) -> Path:
        # A name that nobody guesses, since the page may be shared.
        folder = self.results / secrets.token_hex(16)
        folder.mkdir(parents=True)
        self._kept.append(folder)
        while len(self._kept) > _KEPT:
            shutil.rmtree(self._kept.pop(0), ignore_errors=True)
        return folder


def _checked(
    video: str | os.PathLike | None, poses: str | os.PathLike | None
) -> str | os.PathLike:
    """Return what the inferencer gets as input, or say what is wrong with it."""
    if video and not is_video(video):
        raise UserError(
            f'{video}: not a video by its name; drop one of '
            f'{", ".join(VIDEO_SUFFIXES)}, and keypoints in the field below.'
        )
    if poses and is_video(poses):
        raise UserError(f'{poses}: a video; drop it in the field above.')
    if poses and Path(poses).suffix.lower() not in SUFFIXES:
        raise UserError(
            f'{poses}: not a file of keypoints by its name; drop one of '
            f'{", ".join(SUFFIXES)}. Folders and whole data sets are for '
            'demo/demo.py.'
        )
    inputs = video or poses
    if not inputs:
        raise UserError('Drop a video, a file of keypoints, or both.')
    return inputs


def find_checkpoints(place: str | os.PathLike) -> dict[str, Path]:
    """Return checkpoint files by what to call them.

    Args:
        place: A file, or a folder of trainings, such as ``work_dirs``. Of a folder, all
            ``.pth`` files are taken, by training, in each the latest epoch first.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it holds no checkpoint.
    """
    place = Path(place)
    if place.is_file():
        return {place.name: place}
    if not place.is_dir():
        raise MissingFileError(
            f'{place}: there is no such folder of trainings, nor such a checkpoint; '
            'name one, or train a model first (tools/train.py).'
        )
    files = sorted(place.rglob('*.pth'), key=_by_training)
    if not files:
        raise UserError(
            f'{place}: holds no checkpoint (.pth); name a folder that does, or train '
            'a model first (tools/train.py).'
        )
    return {path.relative_to(place).with_suffix('').as_posix(): path for path in files}


def _by_training(path: Path) -> tuple[str, float, str]:
    number = re.search(r'(\d+)$', path.stem)
    return str(path.parent), -float(number[1]) if number else 0.0, path.name
