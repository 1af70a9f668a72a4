"""Segmentation of the files that users drop on the page."""

import os
import re
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from mmskelseg.apis.inferencer import SkelSegInferencer
from mmskelseg.checkpoints.reading import CHECKPOINT_SUFFIXES
from mmskelseg.runtime.files.names import file_name
from mmskelseg.runtime.files.video import VIDEO_SUFFIXES, is_video
from mmskelseg.runtime.labels.writing import EXPORTS
from mmskelseg.runtime.messages.errors import MissingFileError, UserError
from mmskelseg.runtime.messages.progress import Listener, progress_listener
from mmskelseg.runtime.poses.estimators.estimator import PoseEstimatorLike
from mmskelseg.runtime.poses.reading import POSE_FORMATS
from mmskelseg.runtime.segmenting.exports import write_exports
from mmskelseg.runtime.segmenting.model_zoo import zoo
from mmskelseg.runtime.structures.choices import EACH
from mmskelseg.runtime.structures.predictions import Prediction
from mmskelseg.trained.opening import ZOO, zoo_checkpoint

# All formats except GIF, which is impossible for long videos.
FORMATS = tuple(name for name in EXPORTS if name != 'gif')
# Where trainings write by default.
_TRAININGS = 'work_dirs'
# Number of results that are kept for download; older ones are deleted.
_KEPT = 20


@dataclass(frozen=True)
class Result:
    """The prediction of a video, or of each of its people, with the files."""

    predictions: list[Prediction]
    files: list[Path]


class PageSegmenter:
    """The segmenter behind the page, which processes one request at a time.

    Args:
        checkpoints: A checkpoint, or a folder of trainings; None for those in
            ``work_dirs``, if any, and the models that come with the package.
        results: Folder for the files of results.
        ensemble: Further checkpoints of the same config, such as other seeds, to
            average their probabilities with those of a single checkpoint.
        config: A config for checkpoints that do not contain one.
        device: Device of the model; by default a GPU, if there is one.
        pose_estimator: As for :class:`mmskelseg.apis.SkelSegInferencer`.

    Raises:
        FileNotFoundError: If there is no such checkpoint or folder.
        ValueError: If the folder contains no checkpoint, or is given with an ensemble.
    """

    def __init__(
        self,
        checkpoints: str | os.PathLike | None,
        results: str | os.PathLike,
        *,
        ensemble: Sequence[str | os.PathLike] = (),
        config: str | os.PathLike | None = None,
        device: str | None = None,
        pose_estimator: PoseEstimatorLike = 'mediapipe',
    ) -> None:
        self.checkpoints = None if checkpoints is None else Path(checkpoints)
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
        if self.ensemble and not (self.checkpoints and self.checkpoints.is_file()):
            raise UserError(
                f'{self.checkpoints or _TRAININGS}: a folder, but an ensemble has one '
                'config; name one checkpoint, and the others of its ensemble.'
            )
        for file in self.ensemble:
            if not file.is_file():
                raise MissingFileError(f'{file}: there is no such checkpoint.')

    def choices(self) -> list[str]:
        """Return the names of the checkpoints that exist now."""
        return list(self._files())

    def newest(self) -> str:
        """Return the name of the checkpoint that was written last."""
        files = self._files()
        # Models of the package are as old as its installation.
        own = [name for name in files if files[name].parent != ZOO] or list(files)
        return max(own, key=lambda name: files[name].stat().st_mtime)

    def _files(self) -> dict[str, Path]:
        """Return the checkpoints by the names that the page shows."""
        if self.checkpoints is not None:
            return find_checkpoints(self.checkpoints)
        has_any = bool(_checkpoints_in(Path(_TRAININGS)))
        files = find_checkpoints(_TRAININGS) if has_any or self.config else {}
        if self.config is None:
            files |= {
                f'{name} (comes with mmskelseg)': zoo_checkpoint(name) for name in zoo()
            }
        return files

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

        ``checkpoint`` is one of ``choices()``; ``listener`` gets the progress; for the
        others, see ``SkelSegInferencer``.

        Raises:
            FileNotFoundError: If the checkpoint no longer exists.
            ValueError: If there is no input, or an unsuitable one.
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
                files += write_exports(predictions, folder, FORMATS, codec='avc1')
            for one in predictions:
                prefix = f'{file_name(one["person"])}_' if person == EACH else ''
                files += write_exports(
                    one, folder, FORMATS, prefix=prefix, codec='avc1'
                )
        return Result(predictions, files)

    def _loaded(self, name: str | None) -> SkelSegInferencer:
        """Return the inferencer of a checkpoint, and keep it for the next request."""
        path = self._files().get(name or '')
        if path is None:
            raise MissingFileError(
                f'{name or "No checkpoint"}: not among the checkpoints of '
                f'{self.checkpoints or _TRAININGS}; choose one from the list.'
            )
        # A running training may overwrite the file.
        files = [path, *self.ensemble]
        version = [(file, file.stat().st_mtime_ns) for file in files]
        if self._inferencer is None or self._version != version:
            # The previous one is released first, so that only one is in memory.
            self._inferencer, self._version = None, version
            self._inferencer = SkelSegInferencer(
                None if self.config is None else os.fspath(self.config),
                files,
                self.device,
                pose_estimator=self.pose_estimator,
            )
        # Its networks, once loaded, are reused for other checkpoints.
        self.pose_estimator = self._inferencer.pose_estimator
        return self._inferencer

    def _new_folder(self) -> Path:
        # A name that nobody can guess, since the page may be public.
        folder = self.results / secrets.token_hex(16)
        folder.mkdir(parents=True)
        self._kept.append(folder)
        while len(self._kept) > _KEPT:
            shutil.rmtree(self._kept.pop(0), ignore_errors=True)
        return folder


def _checked(
    video: str | os.PathLike | None, poses: str | os.PathLike | None
) -> str | os.PathLike:
    """Return the input for the inferencer, after checking the files."""
    if video and not is_video(video):
        raise UserError(
            f'{video}: not a video, judging by its name; drop one of '
            f'{", ".join(VIDEO_SUFFIXES)}, and keypoints in the field below.'
        )
    if poses and is_video(poses):
        raise UserError(f'{poses}: a video; drop it in the field above.')
    if poses and Path(poses).suffix.lower() not in POSE_FORMATS.file_suffixes:
        raise UserError(
            f'{poses}: not a file of keypoints, judging by its name; drop one of '
            f'{", ".join(POSE_FORMATS.file_suffixes)}, or use demo/demo.py for folders '
            'and data sets.'
        )
    inputs = video or poses
    if not inputs:
        raise UserError('Drop a video, a file of keypoints, or both.')
    return inputs


def find_checkpoints(place: str | os.PathLike) -> dict[str, Path]:
    """Return checkpoint files by their names in the list.

    All those in a folder of trainings, such as ``work_dirs``, are listed by training,
    each with the latest epoch first.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it contains no checkpoint.
    """
    place = Path(place)
    if place.is_file():
        return {place.name: place}
    if not place.is_dir():
        raise MissingFileError(
            f'{place}: there is no such folder of training runs or checkpoint; name '
            'one, or train a model first (tools/train.py).'
        )
    files = sorted(_checkpoints_in(place), key=_by_training)
    if not files:
        raise UserError(
            f'{place}: contains no checkpoint ({" or ".join(CHECKPOINT_SUFFIXES)}); '
            'name a folder with checkpoints, or train a model first (tools/train.py).'
        )
    return {path.relative_to(place).with_suffix('').as_posix(): path for path in files}


def _checkpoints_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob('*') if path.suffix in CHECKPOINT_SUFFIXES]


def _by_training(path: Path) -> tuple[str, float, str]:
    number = re.search(r'(\d+)$', path.stem)
    return str(path.parent), -float(number[1]) if number else 0.0, path.name
