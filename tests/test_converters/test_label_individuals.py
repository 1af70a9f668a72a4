"""Labels of several individuals, and whose poses these are."""

import json
from functools import partial

import numpy as np
import pytest

from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.jobs import main
from mmskelseg_io.labels import Segment, VideoSegments, write_csv_segments, write_elan
from mmskelseg_io.poses import Poses, write_npz
from tests.errors import raises_naming
from tests.test_labels.tools import write_labels

MICE = {'joints': ['nose', 'body', 'tail'], 'limbs': [[0, 1], [1, 2]]}
FRAMES, FPS = 200, 25.0
KINDS = ['boris', 'eaf', 'csv', 'json']
CLASSES = {'posture': ['rest', 'walk'], 'sniff': ['no sniff', 'sniff']}


def segments_of(who, other, shift):
    """Return what one individual does in eight seconds."""
    own = partial(Segment, individual=who, tier='posture')
    sniff = Segment(1 + shift, 2 + shift, 'sniff', None, 'sniff', who, other)
    return [own(0, 4, 'rest'), own(4, 8, 'walk'), sniff]


@pytest.fixture
def recordings(tmp_path, rng):
    """Write poses and BORIS projects of two mice in three recordings."""
    paths = []
    for name in ('a', 'b', 'c'):
        keypoint = rng.uniform(100, 300, (2, FRAMES, 3, 2)).astype(np.float32)
        score = np.ones((2, FRAMES, 3), np.float32)
        score[1, :50] = 0
        people = ('adult', 'juvenile')
        poses = Poses(keypoint, score, MICE, (400, 400), FPS, people=people)
        write_npz(poses, tmp_path / f'{name}.npz')
        segments = segments_of('Adult', 'Juvenile', 0)
        segments += segments_of('Juvenile', 'Adult', 2)
        video = VideoSegments(name, segments, FPS, FRAMES, f'{name}.mp4')
        for kind in KINDS:
            write_labels(f'.{kind}', tmp_path, video, CLASSES)
        paths.append(tmp_path / f'{name}.npz')
    return paths


def convert(paths, *options, kind='boris'):
    out = paths[0].parent / 'out'
    labels = [path.with_suffix(f'.{kind}') for path in paths]
    words = [*paths, out, '--labels', *labels, '--unlabelled', 'background', *options]
    main(['convert', 'keypoints', *map(str, words)])
    return load_annotations(out / 'annotations.pkl')


@pytest.mark.parametrize('kind', KINDS)
def test_each_individual_has_its_labels_and_tiers(recordings, kind):
    options = ['--label-option', 'part=predictions'] if kind == 'json' else []
    data = convert(recordings, '--person', 'each', *options, kind=kind)
    assert data['metainfo']['tiers'] == CLASSES
    videos = {video['frame_dir']: video for video in data['annotations']}
    assert [*videos][:2] == ['a_adult', 'a_juvenile']
    adult, young = videos['a_adult'], videos['a_juvenile']
    assert (adult['individual'], young['individual']) == (0, 1)
    assert adult['keypoint'].shape == (2, FRAMES, 3, 2)
    posture, sniff = adult['label']
    assert posture.tolist() == [0] * 100 + [1] * 100
    assert np.flatnonzero(sniff).tolist() == list(range(25, 50))
    # It comes later, and is not labelled before.
    assert (young['label'][:, :50] == -1).all()
    assert np.flatnonzero(young['label'][1, 50:]).tolist() == list(range(25, 50))


@pytest.mark.parametrize('kind', KINDS)
def test_labels_of_one_of_several_are_read_alone(recordings, kind):
    words = ['--label-option', 'subject=Juvenile', '--person', 'juvenile']
    words += ['--label-option', 'part=predictions'] * (kind == 'json')
    tiers = recordings[0].parent / 'tiers.json'
    tiers.write_text(json.dumps(CLASSES))
    data = convert(recordings, *words, '--tiers', tiers, kind=kind)
    sniff = data['annotations'][0]['label'][1]
    assert np.flatnonzero(sniff).tolist() == list(range(75, 100))


def test_labels_of_an_individual_in_two_files_are_refused(recordings):
    """One may be corrected, and the other not."""
    folder = recordings[0].parent / 'labels'
    folder.mkdir()
    video = VideoSegments('a_adult', [Segment(0, 1, 'sit', individual='adult')], FPS)
    files = [folder / 'a_adult_segments.csv', folder / 'a_adult_segments.eaf']
    write_csv_segments(files[0], [video])
    write_elan(files[1], video, ['sit', 'walk'])
    words = ['convert', 'keypoints', str(recordings[0]), str(folder.parent / 'out')]
    words += ['--person', 'each', '--labels', str(folder)]
    with raises_naming(SystemExit, *files, "'adult'", "'a'"):
        main(words)


def test_table_says_who_is_who(recordings, tmp_path):
    names = tmp_path / 'subjects.csv'
    names.write_text('Subject,Individual\nAdult,juvenile\nJuvenile,adult\n')
    data = convert(recordings, '--person', 'each', '--subjects', names)
    sniff = data['annotations'][0]['label'][1]
    assert np.flatnonzero(sniff).tolist() == list(range(75, 100))


@pytest.mark.parametrize(
    ('table', 'options', 'parts'),
    [
        (None, (), ("'a'", 'Adult', 'Juvenile', '--person each')),
        ('subject,individual\nAdult,old\n', ('each',), ('a.boris', 'old', 'a.npz')),
        (
            'subject,individual\nAdult,adult\nJuvenile,ADULT\n', ('each',),
            ('a.boris', 'adult', 'a.npz', '--subjects'),
        ),
        (
            None, ('each', '--label-option', 'subject=Adult'),
            ('subject=Adult', '--person each'),
        ),
        ('subject,animal\nAdult,old\n', ('each',), ('subjects.csv', 'individual')),
        ('\n', ('each',), ('subjects.csv', 'subject, individual')),
        ('subject,individual\nAdult,\n', ('each',), ('subjects.csv', 'line 2', "''")),
        (
            'subject,individual\nAdult,adult\nAdult,old\n', ('each',),
            ('subjects.csv', "'Adult'", 'twice'),
        ),
    ],
)  # fmt: skip
def test_individuals_that_do_not_fit_are_named(
    recordings, tmp_path, table, options, parts
):
    words = []
    if table:
        (tmp_path / 'subjects.csv').write_text(table)
        words = ['--person', *options, '--subjects', str(tmp_path / 'subjects.csv')]
    elif options:
        words = ['--person', *options]
    with raises_naming(SystemExit, *parts):
        convert(recordings, *words)


@pytest.mark.slow
def test_models_of_pairs_name_to_whom_it_is_done(recordings, tmp_path):
    """In tables and in BORIS, of poses as of annotations."""
    convert(recordings, '--person', 'each')
    config, work_dir = tmp_path / 'my.py', tmp_path / 'work'
    data = tmp_path / 'out' / 'annotations.pkl'
    main(['make-config', str(data), str(config), '--pairs', '--epochs', '1'])
    main(['train', str(config), '--work-dir', str(work_dir)])
    out, trained = tmp_path / 'segments', [str(config), str(work_dir / 'epoch_1.pth')]
    formats = ['--formats', 'csv', 'boris', 'json']
    words = ['--out', str(out), '--person', 'each', *formats]
    main(['segment', str(recordings[2]), *trained, *words])
    rows = (out / 'c_juvenile_segments.csv').read_text().splitlines()
    assert rows[0].startswith('video,individual,target,tier,start')
    assert rows[1].startswith('c_juvenile,juvenile,adult,posture,2.0')
    project = json.loads((out / 'c_adult_segments.boris').read_text())
    (observation,) = project['observations'].values()
    named = {tuple(event[1:4:2]) for event in observation['events']}
    # The juvenile appears after two seconds, until when nothing is done to anyone.
    assert ('adult', 'juvenile') in named <= {('adult', 'juvenile'), ('adult', '')}
    # Those of the annotations are the same individuals.
    words = ['--split', 'test', '--out', str(tmp_path / 'again'), '--person', 'each']
    main(['segment', str(data), *trained, *words, '--formats', 'csv'])
    again = tmp_path / 'again' / 'c_juvenile_segments.csv'
    assert again.read_text().splitlines()[0] == rows[0]
    # What is corrected becomes labels again.
    for kind in ('csv', 'boris'):
        files = sorted(map(str, out.glob(f'c_*_segments.{kind}')))
        words = [str(tmp_path / kind), '--labels', *files, '--person', 'each']
        words += ['--unlabelled', 'ignore', '--tiers', str(tmp_path / 'tiers.json')]
        (tmp_path / 'tiers.json').write_text(json.dumps(CLASSES))
        main(['convert', 'keypoints', str(recordings[2]), *words])
        read = load_annotations(tmp_path / kind / 'annotations.pkl')
        assert read['metainfo']['tiers'] == CLASSES
        assert read['annotations'][0]['person'] == 'adult'
