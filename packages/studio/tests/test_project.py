"""The project of a folder: labels survive everything, and each change can be undone."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from mmskelseg_io.labels import Segment, segments_to_labels
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.tiers import metainfo_of
from mmskelseg_studio.ethogram import LabelTier
from mmskelseg_studio.loading import load_project
from mmskelseg_studio.project import OutdatedError, Project
from tests.conftest import add_class, ethogram, full_disk, paint
from tests.errors import raises_naming
from tests.small_data import ROOT


def labels(project):
    return project.recordings['take'].labels[0]


def test_labels_of_files_become_segments_in_frames(project):
    assert labels(project) == [(10, 30, 0), (30, 50, 1)]
    label = project.frame_labels('take')
    assert label.tolist() == [-1] * 10 + [0] * 20 + [1] * 20 + [-1] * 50
    assert project.labelled_seconds('take') == 4.0


def test_frames_are_those_of_converted_labels(project):
    """A frame has the label that covers its middle, which 0.25 s is of frame 2."""
    segments = [Segment(0, 0.25, 'walk'), Segment(0.25, 0.55, 'lift')]
    project.add_recording('other', 10, 10.0, segments)
    expected = segments_to_labels(
        segments, 10, 10.0, ['walk', 'lift'], missing='unlabelled'
    )
    assert project.frame_labels('other').tolist() == expected.tolist()


def test_totals_are_labels_and_seconds_of_each_class(project):
    assert project.totals('take') == [{0: (1, 2.0), 1: (1, 2.0)}]
    paint(project, 15, 20, 1)
    assert project.totals('take') == [{0: (2, 1.5), 1: (2, 2.5)}]
    tiers = ethogram(project)
    del tiers[0]['classes'][0]
    project.edit(tiers, project.revision)
    assert project.totals('take') == [{1: (2, 2.5)}]


def test_replacing_cuts_what_reaches_in(project):
    paint(project, 20, 40, 1)
    assert labels(project) == [(10, 20, 0), (20, 40, 1), (40, 50, 1)]
    paint(project, 12, 14, None)
    assert labels(project)[:2] == [(10, 12, 0), (14, 20, 0)]


def test_undo_and_redo_restore_every_state(project, rng):
    """Random changes, each undone and redone, give the same segments as before."""
    states = [labels(project)]
    for _ in range(60):
        start, end = sorted(rng.choice(101, 2, replace=False).tolist())
        paint(project, start, end, [None, -1, 0, 1][rng.integers(4)])
        states.append(labels(project))
    for state in states[-2::-1]:
        project.undo(project.revision)
        assert labels(project) == state
    assert not project.can_undo
    # Another program goes on with the file.
    project = load_project(project.path)
    for state in states[1:]:
        project.redo(project.revision)
        assert labels(project) == state
    assert not project.can_redo


def test_change_after_undo_forgets_what_was_undone(project):
    paint(project, 60, 70, 0)
    project.undo(project.revision)
    paint(project, 80, 90, 1)
    assert not project.can_redo
    project.undo(project.revision)
    assert labels(project) == [(10, 30, 0), (30, 50, 1)]


def test_frames_marked_as_no_label_are_not_learnt(project):
    paint(project, 10, 20, -1)
    assert project.frame_labels('take')[10:20].tolist() == [-1] * 10
    assert [one.start for one in project.segments('take').segments] == [2.0, 3.0]


def test_tiers_have_labels_of_their_own(tmp_path):
    tiers = [LabelTier.of('hand', ['rest', 'wave'], 0), LabelTier.of('gaze', ['up'])]
    project = Project(tmp_path / 'studio.json', tiers)
    wave, up = Segment(0, 1, 'wave', tier='hand'), Segment(0.5, 2, 'up', tier='gaze')
    project.add_recording('take', 20, 10.0, [wave, up])
    label = project.frame_labels('take')
    assert label.tolist() == [[1] * 10 + [-1] * 10, [-1] * 5 + [0] * 15]
    meta = metainfo_of([tier.plain() for tier in project.tiers])
    assert meta['tiers'] == {'hand': ['rest', 'wave'], 'gaze': ['up']}
    assert meta['background'] == {'hand': 'rest', 'gaze': None}


@pytest.mark.parametrize(
    ('tier', 'start', 'end', 'segments', 'named'),
    [
        (1, 0, 9, [], 'tier is 1'),
        (0, 9, 9, [], '(9, 9)'),
        (0, 0, 101, [], '(0, 101)'),
        (0, 0, 9, [(0, 10, 1)], '[0, 10, 1]'),
        (0, 0, 9, [(4, 9, 1), (0, 4, 1)], '[0, 4, 1]'),
        (0, 0, 9, [(0, 9, 2)], '[0, 9, 2]'),
        (0, 0, 9, [(0, 9, -2)], '[0, 9, -2]'),
    ],
)
def test_replacing_checks_segments(project, tier, start, end, segments, named):
    before = project.path.read_bytes()
    with raises_naming(UserError, named):
        project.replace('take', tier, start, end, segments, 0)
    assert project.path.read_bytes() == before


def test_changes_of_another_window_are_not_overwritten(project):
    paint(project, 0, 5, 1)
    with pytest.raises(OutdatedError):
        project.replace('take', 0, 0, 5, [], 0)
    with pytest.raises(OutdatedError):
        project.undo(0)


def test_change_that_cannot_be_saved_is_no_change(project):
    """As when the disk is full; the same request then works later."""
    paint(project, 60, 70, 0)
    project.undo(project.revision)
    state = (labels(project), len(project.history), project.undone, project.revision)
    with full_disk():
        for change in (
            lambda: paint(project, 0, 5, 1),
            lambda: project.redo(project.revision),
            lambda: add_class(project, 'bend'),
        ):
            with pytest.raises(OSError, match='space'):
                change()
    now = (labels(project), len(project.history), project.undone, project.revision)
    assert now == state
    assert project.classes == ['walk', 'lift']
    project.redo(project.revision)
    assert labels(project)[-1] == (60, 70, 0)


LABELLER = """
import sys
from pathlib import Path
from mmskelseg_studio.loading import load_project
project = load_project(Path(sys.argv[1]))
for i in range(10**6):
    start = i * 7 % 90
    project.replace('take', 0, start, start + 5, [(start, start + 5, i % 2)], i)
    print(len(project.history), flush=True)
"""


@pytest.mark.skipif(os.name == 'nt', reason='it has no SIGKILL')
def test_killed_program_loses_no_saved_label(project, rng):
    """What was said to be saved is there after a kill at any moment."""
    for pause in rng.uniform(0, 0.02, 3):
        process = subprocess.Popen(
            [sys.executable, '-c', LABELLER, str(project.path)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        first = int(process.stdout.readline())
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        said = [first, *map(int, process.stdout.read().split())]
        process.wait()
        kept = load_project(project.path)
        assert len(kept.history) - said[-1] in (0, 1)
        # The labels are those that the history leads to.
        whole = kept.frame_labels('take')
        while kept.can_undo:
            kept.undo(kept.revision)
        for _ in kept.history:
            kept.redo(kept.revision)
        np.testing.assert_array_equal(kept.frame_labels('take'), whole)
