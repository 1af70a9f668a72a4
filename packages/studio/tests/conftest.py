"""A folder with recordings, and the studio of it."""

import copy
import json
import time
from contextlib import contextmanager

import numpy as np
import pytest

from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.labels import Segment, VideoSegments, write_csv_segments
from mmskelseg_studio.ethogram import LabelTier
from mmskelseg_studio.folder import open_folder
from mmskelseg_studio.project import Project
from mmskelseg_studio.studio import Studio
from tests.small_data import small_annotations


@pytest.fixture
def folder(tmp_path):
    """A folder with an annotation file of three recordings; the last has no labels."""
    data = copy.deepcopy(small_annotations())
    data['annotations'][2]['label'] = np.full(50, -1)
    path = tmp_path / 'mine'
    save_annotations(data, path / 'annotations.pkl')
    return path


@pytest.fixture
def project(tmp_path):
    """A project of a recording with labels, in its file."""
    found = Project(tmp_path / 'studio.json', [LabelTier.of('', ['walk', 'lift'])])
    found.add_recording(
        'take', 100, 10.0, [Segment(1, 3, 'walk'), Segment(3, 5, 'lift')]
    )
    found.save()
    return found


def save_people(path, *people):
    """Save poses of two people, who have names."""
    poses = [small_annotations((60,), seed=i)['annotations'][0] for i in range(2)]
    np.savez(
        path,
        keypoint=np.concatenate([one['keypoint'] for one in poses]),
        keypoint_score=np.concatenate([one['keypoint_score'] for one in poses]),
        img_shape=(480, 640),
        fps=10.0,
        people=np.array(people),
    )


def paint(project, start, end, kind):
    parts = [] if kind is None else [(start, end, kind)]
    return project.replace('take', 0, start, end, parts, project.revision)


def ethogram(project):
    """Return the ethogram as the page sends it."""
    return [
        {**vars(tier), 'classes': [{**vars(one)} for one in tier.classes]}
        for tier in project.tiers
    ]


def add_class(project, name, tier=0, **more):
    tiers = ethogram(project)
    tiers[tier]['classes'].append({'name': name, **more})
    return project.edit(tiers, project.revision)


def trained(folder, **curve):
    """Write what a training leaves: predictions and a report; return its folder."""
    project = open_folder(folder).project
    project.save()
    model = folder / 'studio' / 'models' / f'{project.id}_abc'
    model.mkdir(parents=True)
    doubt = {'video': 'video_2', 'start_frame': 10, 'end_frame': 30, 'score': 2.0}
    content = {
        'recordings': {'video_2': [[[0, 20, 1, 0.9], [20, 50, 0, 0.4]]]},
        'doubts': [{**doubt, 'reason': 'unsure'}],
    }
    (model / 'predictions.json').write_text(json.dumps(content))
    report = {
        'data': {'persons': 1, 'train': {'videos': 2, 'minutes': 0.2}},
        'classes': [],
        'scores': {'held_out': {'f1@10': 80.0}},
        'label_curve': {'half': 60, 'whole': 70, 'full': 80, 'twice': 85, **curve},
    }
    (model / 'report.json').write_text(json.dumps(report))
    (model / 'report.html').write_text('<p>good</p>')
    return model


def of(*keys, **values):
    """Return a change of the values at a place in the content of a file."""

    def change(content):
        for key in keys:
            content = content[key]
        content.update(values)

    return change


def save_labels(path, name, *segments):
    """Write labels of a recording: start and end in seconds, and class."""
    its = [Segment(*one) for one in segments]
    write_csv_segments(path, [VideoSegments(name, its)])


def studio_of(path):
    return Studio(open_folder(path), 'mediapipe', lambda: open_folder(path))


@pytest.fixture
def studio(folder):
    return studio_of(folder)


@contextmanager
def full_disk():
    """Let no project be saved in the block."""

    def refuse(_):
        raise OSError(28, 'No space left on device')

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('mmskelseg_studio.journal.os.fsync', refuse)
        patch.setattr('mmskelseg_io.files.atomic.os.fsync', refuse)
        yield


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def project_of(path, frames, *segments, classes=('walk', 'lift'), name='studio.json'):
    """Return a project of a recording with segments, saved in its file."""
    found = Project(path / name, [LabelTier.of('', classes)])
    found.add_recording('take', frames, 10.0)
    found.recordings['take'].labels[0] += segments
    found.save()
    return found
