"""What a studio does: labels, trains, predicts, and exports files."""

import hashlib
import os
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmskelseg.automl.job import Fit
from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.files.formats import suffix_of
from mmskelseg_io.files.inputs import check_fps
from mmskelseg_io.files.names import file_names
from mmskelseg_io.files.projects import observers, project_file
from mmskelseg_io.labels import Segment, read_ethogram
from mmskelseg_io.messages.errors import UserError, check_name, explanation, unlike
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_runtime.commands.poses import EstimatePoses
from mmskelseg_runtime.drawing.palette import text_color
from mmskelseg_studio.arrivals import Arrivals
from mmskelseg_studio.comparing import compare
from mmskelseg_studio.converting import ConvertVideo, is_copy, is_playable
from mmskelseg_studio.drawn_places import DrawnPlaces
from mmskelseg_studio.ethogram import Edit, LabelTier
from mmskelseg_studio.exports import OF_CLASSES, TITLES, write_files
from mmskelseg_studio.folder import Folder, training_data
from mmskelseg_studio.jobs import Background, Jobs
from mmskelseg_studio.loading import load_project
from mmskelseg_studio.predicting import Predict
from mmskelseg_studio.preview import Preview
from mmskelseg_studio.project import Change, LabelSegment, Settled
from mmskelseg_studio.recordings import ESTIMATED
from mmskelseg_studio.results import (
    PREDICTIONS,
    PredictedSegment,
    Predictions,
    TrainedModel,
    read_trained,
)

# Poses of a sent piece, in frames.
_PIECE = 4096
# Where the first model of a fit is, which the fit tells long before it ends.
_FIRST = Path('runs', 'first')
# An uncertain segment of which less than this part has no label is done.
_OPEN = 0.02
# Changes that are listed, done ones and undone ones.
_STEPS = 50
# Minutes of a training that is not told how many: one more for so many labelled frames.
_LEAST_MINUTES, _ENOUGH_MINUTES, _FRAMES = 3, 10, 2000
# A day.
_MOST_MINUTES = 1440


class AbsentError(UserError):
    """There is nothing of the name or number that was asked for."""


class Studio:
    """A folder that is labelled, with the job that runs in the background.

    ``reopen`` opens the folder again, when poses were estimated. ``model`` is a model
    from elsewhere that segments the recordings.
    """

    def __init__(
        self,
        folder: Folder,
        pose_estimator: str,
        reopen: Callable[[], Folder],
        model: str | None = None,
    ) -> None:
        self.pose_estimator = pose_estimator
        self.reopen = reopen
        self.model = model
        self.job = Background(folder.work / 'job.log')
        # They do not wait for the other, nor the other for them.
        self.conversion = Background(folder.work / 'videos.log')
        self.first = Background(folder.work / 'first.log')
        self.version = 0
        self.places = DrawnPlaces(folder.path)
        self._begin(folder)

    def _begin(self, folder: Folder) -> None:
        """Begin with a folder as it was just opened."""
        folder.project.save()
        self.folder = folder
        self.arrivals = Arrivals(folder)
        self._names = list(folder.recordings)
        self.trained: TrainedModel | None = None
        #: What is shown until a training has ended.
        self.preview: Predictions | None = None
        try:
            self._read_trained()
        except UserError as error:
            folder.notes.append(f'left out: {error}')
        self._convert_videos()
        if self.model is not None and folder.recordings:
            self.segment()

    def close(self) -> None:
        """Stop what runs in the background."""
        self.job.stop()
        self.conversion.stop()
        self.first.stop()

    # What the page asks for.

    def project(self) -> dict[str, Any]:
        """Return what is known of the folder as a whole."""
        return {
            'name': self.folder.path.resolve().name,
            **self._history(),
            'tiers': self.tiers(),
            'observer': self.folder.observer,
            'others': self._others(),
            'compared': self.folder.project.compared,
            'recordings': [self._recording(i) for i in range(len(self._names))],
            **self.progress(),
            'formats': [
                {'name': name, 'title': title} for name, title in TITLES.items()
            ],
            'notes': self.folder.notes,
            'unrated': self.folder.unrated,
        }

    def tiers(self) -> list[dict[str, Any]]:
        """Return the tiers with their classes, and the colours that these have."""
        project, found = self.folder.project, []
        for tier, shown in zip(project.tiers, project.painted, strict=True):
            classes = []
            for one, its in zip(tier.classes, shown.classes, strict=True):
                colors = {'paint': its.color, 'ink': text_color(its.color)}
                classes.append({**vars(one), **colors})
            found.append({**vars(tier), 'classes': classes})
        return found

    def _others(self) -> list[str]:
        """Return the other observers who have labelled in this folder."""
        found = observers(self.folder.path)
        return [one for one in found if one != self.folder.observer]

    def compare(self, observer: str) -> dict[str, Any]:
        """Return how far the labels agree with those of another observer.

        That this one has seen them is saved first.

        Raises:
            UserError: If there is no such observer, or their project cannot be read.
        """
        if observer not in self._others():
            raise UserError(f'There are no labels of the observer {observer!r}.')
        project = self.folder.project
        try:
            theirs = load_project(project_file(self.folder.path, observer))
        except OSError as error:
            # It is not tried again until it works, which would hold up labels.
            raise UserError(str(explanation(error))) from error
        with project.lock:
            project.begin_comparison(observer)
            found = compare(project, theirs, observer, self._names)
        return {'revision': project.revision, 'observer': observer, **found}

    def _recording(self, number: int) -> dict[str, Any]:
        name = self._names[number]
        one, known = self.folder.recordings[name], self.folder.project.recordings[name]
        return {
            'id': number,
            'name': name,
            'frames': known.frames,
            'fps': known.fps,
            'video': self._shown_video(name) is not None,
            'poses': one.has_poses,
            **self._amounts(name),
        }

    def _amounts(self, name: str) -> dict[str, Any]:
        project = self.folder.project
        seconds, totals = project.labelled_seconds(name), project.totals(name)
        return {'labelled': seconds, 'totals': totals}

    def _history(self) -> dict[str, Any]:
        project = self.folder.project
        return {
            'revision': project.revision,
            'can_undo': project.can_undo,
            'can_redo': project.can_redo,
        }

    def history(self) -> list[dict[str, Any]]:
        """Return the last changes, the oldest first, and those that are undone."""
        project, found = self.folder.project, []
        with project.lock:
            done = len(project.history) - project.undone
            first = max(0, done - _STEPS)
            for i, entry in enumerate(project.history[first : done + _STEPS], first):
                step = _step(entry) if isinstance(entry, Change) else {}
                found.append({'undone': i >= done, **step})
        return found

    def progress(self) -> dict[str, Any]:
        """Return what changes while a job runs."""
        return {
            'job': self.job.as_dict(),
            'conversion': self.conversion.as_dict(),
            'model': self.trained and self.trained.facts,
            'given': self.model,
            'preview': self._shown is not self._last,
            'first': self.first.state == 'done',
            **self._training(),
            'version': self.version,
        }

    def name_of(self, number: int) -> str:
        """Return the name of a recording.

        Raises:
            AbsentError: If there is none with the number.
        """
        if not 0 <= number < len(self._names):
            raise AbsentError(f'There is no recording {number}.')
        return self._names[number]

    def recording(self, number: int) -> dict[str, Any]:
        """Return the labels, predictions and uncertain segments of a recording."""
        name = self.name_of(number)
        project, own = self.folder.project, self.folder.recordings[name]
        speed = skeleton = None
        if own.has_poses:
            picture = self.folder.picture(name)
            speed = [round(float(value), 3) for value in picture.speed]
            skeleton = {
                'joints': [*picture.skeleton.joints],
                'limbs': picture.limbs,
                'guessed': not picture.skeleton.limbs,
                'people': picture.points.shape[1],
                'reach': picture.reach,
                'bounds': picture.bounds,
                'objects': picture.objects,
            }
        return {
            'id': number,
            'labels': project.visible(name),
            'individual': own.individual,
            'others': [
                {'id': i, 'name': other.individual, 'labels': project.visible(one)}
                for i, one in enumerate(self._names)
                if (other := self.folder.recordings[one]).of and other.of == own.of
                if one != name
            ],
            'predictions': self._predictions(name, self._shown),
            'seen': self._shown.seen.get(name, []) if self._shown else [],
            'uncertain': [
                [segment[key] for key in ('start', 'end', 'score', 'reason')]
                for segment in self.uncertain()
                if segment['recording'] == number
            ],
            'offers': [
                {**one.row(), 'labels': one.named_rows()}
                for one in self.arrivals.offers(name)
            ],
            'speed': speed,
            'skeleton': skeleton,
        }

    def look(self) -> dict[str, Any]:
        """Look into the folder again, and return what has appeared in it."""
        found = self.reopen()
        with self.folder.project.lock:
            self.arrivals.look(found)
            return self.arrivals.news()

    def take_offers(self, ids: list[str], revision: int) -> dict[str, Any]:
        """Take over labels that files offer."""
        return self._decide(ids, revision, wanted=True)

    def dismiss_offers(self, ids: list[str], revision: int) -> dict[str, Any]:
        """Offer labels of files no more."""
        return self._decide(ids, revision, wanted=False)

    def _decide(self, ids: list[str], revision: int, wanted: bool) -> dict[str, Any]:
        self.folder.project.check_revision(revision)
        self.arrivals.decide(ids, wanted)
        return {**self._history(), 'news': self.arrivals.news()}

    def set_rate(self, fps: float) -> dict[str, Any]:
        """Keep the rate of poses that do not state theirs, and open the folder anew.

        Raises:
            UserError: If it is no rate, or a job is running.
        """
        self.job.check_idle()
        project = self.folder.project
        with project.lock:
            project.options['fps'] = check_fps(fps, 'the page')
            project.save()
            self._begin(self.reopen())
        return self._history()

    def add_recordings(self) -> dict[str, Any]:
        """Take over the recordings and poses that have appeared."""
        self._look_again()
        return self.look()

    def _predictions(
        self, name: str, found: Predictions | None
    ) -> list[list[PredictedSegment]] | None:
        rows = found.recordings.get(name) if found else None
        return None if rows is None else self.folder.project.without_deleted(rows)

    def poses(self, number: int, start: int, end: int) -> bytes:
        """Return some frames of poses, then objects, float32 (T, M * V + P, 3).

        Raises:
            UserError: If there are none, or too many frames are asked for.
        """
        name = self.name_of(number)
        if not self.folder.recordings[name].has_poses:
            raise AbsentError(f'{name} has no poses.')
        if not 0 <= end - start <= _PIECE:
            raise UserError(f'{end - start} frames were asked for, at most {_PIECE}.')
        return self.folder.picture(name).all_points[start:end].astype('<f4').tobytes()

    def video(self, number: int) -> Path:
        """Return the video of a recording, or the copy of it that browsers play.

        Raises:
            AbsentError: If there is none, or it is gone.
        """
        name = self.name_of(number)
        video = self._shown_video(name)
        if video is None:
            raise AbsentError(f'{name} has no video that browsers play.')
        if not video.is_file():
            raise AbsentError(f'{video}: is no longer there.')
        return video

    def file(self, name: str) -> Path:
        """Return an exported file.

        Raises:
            AbsentError: If there is no such file.
        """
        path = self.files / name
        # A name alone, and no link that leads elsewhere.
        if Path(name).name != name or path.is_symlink() or not path.is_file():
            raise AbsentError(f'There is no file {name!r}.')
        return path

    def report(self) -> Path:
        """Return the page about the model.

        Raises:
            AbsentError: If there is none.
        """
        if self.trained is None or not self.trained.report.is_file():
            raise AbsentError('There is no report yet.')
        return self.trained.report

    def _shown_video(self, name: str) -> Path | None:
        video, copy = self.folder.recordings[name].video, self.copies.get(name)
        if video is None or copy is None:
            return video
        return copy if is_copy(copy, video) else None

    def _convert_videos(self) -> None:
        """Convert videos that browsers do not play, in the background."""
        unplayable = [
            name
            for name, one in self.folder.recordings.items()
            if one.video is not None and not is_playable(one.video)
        ]
        files = file_names(unplayable)
        #: Copies of these videos, by recording.
        self.copies = {
            name: self.folder.shared / 'videos' / f'{files[name]}.mp4'
            for name in unplayable
        }
        jobs = []
        for name, copy in self.copies.items():
            video = self.folder.recordings[name].video
            if video is not None and not is_copy(copy, video):
                jobs.append(ConvertVideo(video=video, copy=copy))
        if jobs and self.conversion.state != 'running':
            self.conversion.start(('videos', job) for job in jobs)

    def uncertain(self) -> list[dict[str, Any]]:
        """Return the intervals to check that have no labels yet, the best first."""
        open_ = []
        for one in self._shown.doubts if self._shown else ():
            name, start, end = one.video, one.start_frame, one.end_frame
            if name not in self.folder.recordings:
                continue
            rows = self.folder.project.state_rows(name)
            labelled = sum(
                max(min(b, end) - max(a, start), 0) for row in rows for a, b, *_ in row
            )
            if len(rows) * (end - start) - labelled > _OPEN * (end - start):
                place = {'recording': self._names.index(name), 'start': start}
                why = {'score': one.score, 'reason': one.reason}
                open_.append({**place, 'end': end, **why})
        return open_

    # What the page changes.

    def relabel(
        self,
        number: int,
        tier: int,
        start: int,
        end: int,
        segments: list[LabelSegment],
        revision: int,
        settled: Settled | None,
    ) -> dict[str, Any]:
        """Replace labels of a recording; see :meth:`Project.replace`."""
        name = self.name_of(number)
        own = [one if any(map(any, one[3:])) else one[:3] for one in segments]
        given = tier, start, end, own, revision, settled
        return self.changed(self.folder.project.replace(name, *given))

    def undo(self, revision: int) -> dict[str, Any]:
        """Undo the last change."""
        return self.changed(self.folder.project.undo(revision))

    def redo(self, revision: int) -> dict[str, Any]:
        """Redo the change that was undone last."""
        return self.changed(self.folder.project.redo(revision))

    def edit(self, tiers: list[Any], revision: int) -> dict[str, Any]:
        """Replace the ethogram."""
        return self.changed(self.folder.project.edit(tiers, revision))

    def add_classes(self, name: str, content: str, revision: int) -> dict[str, Any]:
        """Add the classes that a file in base64 states, and return notes on it, too.

        Raises:
            UserError: If it cannot be read, or adds nothing.
        """
        check_name(name, 'the file')
        try:
            decoded = b64decode(content, validate=True)
        except ValueError:
            raise UserError('content is not in base64; reload the page.') from None
        notes: list[str] = []
        with TemporaryDirectory() as folder:
            # The suffix tells what it is.
            path = Path(folder, f'file{suffix_of(name)}')
            path.write_bytes(decoded)
            try:
                infos = read_ethogram(path, notes=notes)
            except UserError as error:
                raise UserError(str(error).replace(str(path), name)) from None
            notes = [note.replace(str(path), name) for note in notes]
        edit = self.folder.project.add_classes(infos, notes, revision)
        return {**self.changed(edit), 'notes': notes}

    def changed(self, change: Change | Edit) -> dict[str, Any]:
        """Return what a change of labels or of the ethogram has led to."""
        if isinstance(change, Edit):
            return {**self._history(), 'tiers': self.tiers()}
        project, name = self.folder.project, change.recording
        if name not in self._names:
            # An old change of a recording that is no longer in the folder.
            return self._history()
        return {
            **self._history(),
            'recording': self._names.index(name),
            'tier': change.tier,
            'labels': project.visible(name)[change.tier],
            'start': change.start,
            'end': change.end,
            'step': _step(change),
            **self._amounts(name),
            **self._training(),
        }

    def _training(self) -> dict[str, Any]:
        """Return why a model cannot be trained yet, or how long it would take."""
        project, labelled = self.folder.project, self._labelled()
        frames = sum(
            project.labelled_seconds(name) * project.recordings[name].fps
            for name in labelled
        )
        obstacle, advice = self._obstacle(), None
        if obstacle is None and len(labelled) == 1:
            advice = (
                'With labels in a second recording, the training would also say how '
                'good the model is.'
            )
        return {
            'can_train': obstacle,
            'advice': advice,
            'minutes': min(_LEAST_MINUTES + int(frames / _FRAMES), _ENOUGH_MINUTES),
        }

    def _obstacle(self) -> str | None:
        """Return why a model cannot be trained yet."""
        project, labelled = self.folder.project, self._labelled()
        if not any(one.has_poses for one in self.folder.recordings.values()):
            return 'A model reads poses: estimate them first.'
        rows = [project.state_rows(name) for name in labelled]
        shown = [
            {tier.names[k] for own in rows for _, _, k, *_ in own[i] if k != IGNORED}
            for i, tier in enumerate(project.states)
        ]
        most = max(shown, key=len)
        if not most:
            poseless = any(project.is_labelled(name) for name in self.folder.recordings)
            if poseless:
                return 'What is labelled has no poses, which a model reads.'
            return 'Label intervals of at least two classes first.'
        if len(most) == 1:
            return (
                f'Only {most.pop()!r} is labelled, and a model tells classes apart. '
                'Label another one, or the rest as background: add a class for it (A), '
                'press F, and then its key.'
            )
        rates = {project.recordings[name].fps: name for name in labelled}
        if len(rates) > 1:
            (low, slow), (high, fast) = min(rates.items()), max(rates.items())
            return (
                f'{slow} has {low:g} frames a second, and {fast} {high:g}: a model '
                'learns durations in frames, so keep other rates in another folder.'
            )
        return None

    def _labelled(self) -> list[str]:
        """Return the recordings with labels and poses."""
        return [
            name
            for name, one in self.folder.recordings.items()
            if one.has_poses and self.folder.project.is_labelled(name)
        ]

    def train(self, minutes: float) -> None:
        """Train a model on all labels, and predict all recordings, in the background.

        Raises:
            UserError: If that is not possible, or a job is running.
        """
        if not 0 < minutes <= _MOST_MINUTES:
            expected = f'a number from 0 to {_MOST_MINUTES}'
            raise UserError(unlike('minutes', minutes, expected))
        if obstacle := self._obstacle():
            raise UserError(obstacle)
        work, project = self.folder.work, self.folder.project
        labelled = self._labelled()
        places = project.labelled_tiers(labelled)
        tiers = [project.tiers[i] for i in places]
        data = training_data(self.folder, labelled, tiers)
        ann_file = work / 'labelled.pkl'
        self.job.check_idle()
        save_annotations(data, ann_file)
        # The same labels continue a training that was stopped.
        asked = hashlib.sha256(ann_file.read_bytes() + f'{minutes}'.encode())
        name = f'{project.id}_{asked.hexdigest()[:8]}'
        model = work / 'models' / name
        # There is no time to compare configs while somebody waits.
        fit = Fit(ann_file=ann_file, out=model, minutes=minutes, compare=1, always=True)
        prediction = self._prediction(model, tiers)
        ids = {i: [*project.tiers[i].names] for i in places}
        seen = {name: project.known_intervals(name) for name in labelled}

        def show(found: Predictions | None) -> None:
            # There may be none, or better ones, and the training goes on.
            if found is not None and self.job.state == 'running':
                own = replace(found.placed(ids), seen=seen)
                self.preview = own.of_project(self.folder.project)
                self.version += 1

        def jobs() -> Jobs:
            show((yield 'preview', Preview(ann_file=prediction.ann_file)))
            yield 'fit', fit
            self.first.stop()
            found = yield 'predict', prediction
            self._take(replace(found.placed(ids), seen=seen), model)

        def of_first(run: Path) -> Jobs:
            show(
                (yield 'predict', Predict(model=str(run), ann_file=prediction.ann_file))
            )

        def look(text: str) -> None:
            run = Path(text.rpartition(': ')[2])
            if run.is_relative_to(model / _FIRST) and self.first.state == 'idle':
                self.first.start(of_first(run))

        self.preview = None
        self.first.stop()
        self.first = Background(self.folder.work / 'first.log')
        self.job.noted = look
        self.job.start(jobs())

    def segment(self) -> None:
        """Segment all recordings by the given model, in the background.

        That includes new ones in the folder. Missing poses are estimated first.

        Raises:
            UserError: If no model was given, or a job is running.
        """
        if self.model is None:
            raise UserError(
                'There is no model: start `mmskelseg studio FOLDER --model MODEL`.'
            )
        model = self.model
        out = self.folder.work / 'models' / f'{self.folder.project.id}_given'
        # The first classes of the project are those of the model.
        tiers = enumerate(self.folder.project.tiers)
        ids = {i: range(tier.made) for i, tier in tiers}

        def jobs() -> Jobs:
            self._look_again()
            if self._videos_without_poses():
                yield 'poses', self._estimation()
                self._look_again()
            found = yield 'predict', self._prediction(model)
            self._take(found.placed(ids), out)

        self.job.start(jobs())

    def _prediction(
        self, model: str | Path, tiers: Sequence[LabelTier] | None = None
    ) -> Predict:
        """Return the job that predicts all recordings."""
        with_poses = [n for n, one in self.folder.recordings.items() if one.has_poses]
        ann_file = self.folder.work / 'recordings.pkl'
        save_annotations(training_data(self.folder, with_poses, tiers), ann_file)
        return Predict(model=str(model), ann_file=ann_file)

    def _take(self, found: Predictions, out: Path) -> None:
        """Take over predictions, and keep them in the folder of their model."""
        found.write(out / PREDICTIONS)
        self.preview = None
        self._read_trained()

    def estimate_poses(self) -> None:
        """Estimate the poses of videos that have none, in the background.

        Raises:
            UserError: If all videos have poses, or a job is running.
        """
        if not self._videos_without_poses():
            raise UserError('All videos have poses.')

        def jobs() -> Jobs:
            yield 'poses', self._estimation()
            self._look_again()

        self.job.start(jobs())

    def _videos_without_poses(self) -> list[Path]:
        recordings = self.folder.recordings.values()
        return [Path(str(one.video)) for one in recordings if not one.has_poses]

    def _estimation(self) -> EstimatePoses:
        return EstimatePoses(
            videos=self._videos_without_poses(),
            out=self.folder.shared / ESTIMATED,
            pose_estimator=self.pose_estimator,
        )

    def _look_again(self) -> None:
        """Take over new poses and recordings of the folder."""
        found, project = self.reopen(), self.folder.project
        new = [name for name in found.recordings if name not in self._names]
        with project.lock:
            for name in new:
                # Others were in the folder before, and have labels.
                if name not in project.recordings:
                    known = found.project.recordings[name]
                    its = found.project.segments(name).segments
                    project.add_recording(name, known.frames, known.fps, its)
            if new:
                project.save()
        recordings = {**self.folder.recordings, **found.recordings}
        self.folder = replace(
            self.folder,
            recordings=recordings,
            labels=found.labels,
            unrated=found.unrated,
        )
        self.arrivals.folder = self.folder
        self._names += new
        if new:
            self._convert_videos()

    # What the page exports.

    @property
    def files(self) -> Path:
        """The folder of exported files."""
        return self.folder.work / 'files'

    def export(self, formats: list[str], what: str) -> dict[str, Any]:
        """Write labels or predictions, and list the files; see :meth:`write`."""
        files = self.write(formats, what)
        listed = [{'name': f.name, 'bytes': f.stat().st_size} for f in files]
        return {'folder': str(self.files), 'files': listed}

    def write(self, formats: Sequence[str], what: str) -> list[Path]:
        """Write labels or predictions of all recordings, and return the files.

        Raises:
            UserError: If there are none, or a format is unknown or unsuitable.
        """
        if what not in ('labels', 'predictions'):
            raise UserError(f'what is {what!r}, expected labels or predictions.')
        found = []
        for name, one in self.folder.recordings.items():
            video = None if one.video is None else os.fspath(one.video.resolve())
            own = self.folder.project.segments(name, video)
            if what == 'predictions':
                own = replace(own, segments=self._predicted_segments(name))
            named = [replace(s, individual=one.individual) for s in own.segments]
            found.append(replace(own, segments=named))
        labelled = [one for one in found if one.segments]
        if not labelled and (what == 'predictions' or {*formats} - OF_CLASSES):
            raise UserError(f'There are no {what} yet, or only a preview.')
        return write_files(formats, labelled or found, self.folder, what)

    def _predicted_segments(self, name: str) -> list[Segment]:
        project = self.folder.project
        fps, several = project.recordings[name].fps, len(project.states) > 1
        # What is only a preview stays here.
        rows = self._predictions(name, self._last) or []
        segments = (
            Segment(start / fps, end / fps, tier.names[kind], score, named)
            for tier, row in zip(project.tiers, rows, strict=False)
            for named in [tier.name if several else '']
            for start, end, kind, score in row
        )
        return sorted(segments, key=lambda one: one.start)

    # What a training has left.

    @property
    def _last(self) -> Predictions | None:
        """The predictions of the last model."""
        return None if self.trained is None else self.trained.predictions

    @property
    def _shown(self) -> Predictions | None:
        """The predictions on the page: while a model is trained, those of a preview."""
        is_trained = self._last is not None and self.job.state != 'running'
        return self._last if is_trained else self.preview or self._last

    def _read_trained(self) -> None:
        """Read what the last finished training has left."""
        files = self.folder.work.glob(
            f'models/{self.folder.project.id}_*/{PREDICTIONS}'
        )
        file = max(files, key=lambda one: one.stat().st_mtime, default=None)
        self.version += 1
        if file is not None:
            self.trained = read_trained(file.parent, self.folder.project)


def _step(change: Change) -> dict[str, Any]:
    """Return where labels changed, the classes before and after, and the verdict."""
    keys = ('recording', 'tier', 'start', 'end')
    return {
        **{key: getattr(change, key) for key in keys},
        'settled': change.settled and change.settled['take'],
        **{
            side: [*dict.fromkeys(one[2] for one in getattr(change, side))]
            for side in ('before', 'after')
        },
    }
