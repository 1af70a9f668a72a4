"""Agreement of observers' label files, as a user asks for it."""

import csv
import json
import pickle

import matplotlib.image
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from mmskelseg_behaviour.commands.agree import main  # noqa: F401
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.labels import ClassInfo, Segment, VideoSegments, write_boris
from mmskelseg_io.labels.segments import Ethogram
from tests.agreeing import alpha, icc
from tests.small_data import small_annotations
from tests.tables import read_table

CLASSES = ['groom', 'rest', 'walk']
ANN = 'video,start,end,label\nm1,0,4,walk\nm1,4,8,groom\nm1,8,10,walk\n'
BOB = 'video,start,end,label\nm1,0,5,walk\nm1,5,8,groom\nm1,8,10,rest\n'


@pytest.fixture
def agree(tmp_path, call):
    """Run the command on tables of labels, by observer; return words and content."""

    def run(tables, *options):
        for who, table in tables.items():
            (tmp_path / f'{who}.csv').write_text(table)
        said = call(*(tmp_path / f'{who}.csv' for who in tables), *options)
        content = tmp_path / 'out' / 'agreement.json'
        return said, json.loads(content.read_text()) if content.is_file() else None

    return run


def recording(rng, name):
    """A recording of 60 s at 25 frames per second."""
    cuts = np.unique([0, *rng.integers(1, 1500, 20), 1500]) / 25
    labels = rng.choice(CLASSES, len(cuts) - 1)
    segments = [Segment(*row) for row in zip(cuts[:-1], cuts[1:], labels, strict=True)]
    return VideoSegments(name, segments, 25.0, 1500)


def second_look(rng, video):
    """The same, with boundaries that shifted, segments merged and dropped."""
    cuts = [s.start for s in video.segments] + [60.0]
    cuts = np.sort(np.round(np.clip(cuts + rng.normal(0, 0.2, len(cuts)), 0, 60), 4))
    labels = [segment.label for segment in video.segments]
    for i in rng.integers(1, len(labels), 3):
        labels[i] = labels[i - 1]
    rows = list(zip(cuts[:-1], cuts[1:], labels, strict=True))
    for i in sorted(rng.choice(len(rows), 2, replace=False), reverse=True):
        del rows[i]
    return [(float(a), float(b), name) for a, b, name in rows if b - a > 0.02]


def framed(rows):
    """Labels of 1500 frames, each that of the segment over its middle."""
    found = np.full(1500, -1)
    middles = (np.arange(1500) + 0.5) / 25
    for start, end, name in rows:
        found[(start <= middles) & (middles < end)] = CLASSES.index(name)
    return found


def test_coefficients_of_label_files_are_those_of_other_packages(call, tmp_path, rng):
    """A project of BORIS and a table of segments that were shifted and dropped."""
    videos = [recording(rng, f'm{i}') for i in range(6)]
    seconds = [second_look(rng, video) for video in videos]
    write_boris(tmp_path / 'ann.boris', videos, CLASSES)
    rows = [(f'm{i}', *row) for i, own in enumerate(seconds) for row in own]
    with (tmp_path / 'bob.csv').open('w', newline='') as file:
        csv.writer(file).writerows([('video', 'start', 'end', 'label'), *rows])
    call(tmp_path / 'ann.boris', tmp_path / 'bob.csv', '--fps', 25)
    content = json.loads((tmp_path / 'out' / 'agreement.json').read_text())
    firsts = [[(s.start, s.end, s.label) for s in v.segments] for v in videos]
    ann, bob = (
        np.concatenate([framed(own) for own in each]) for each in (firsts, seconds)
    )
    both = (ann >= 0) & (bob >= 0)
    (found,) = content['overall']
    expected = cohen_kappa_score(ann[both], bob[both])
    assert found['kappa'] == pytest.approx(expected, abs=1e-9)
    assert found['alpha'] == pytest.approx(alpha(np.stack([ann, bob])), abs=1e-9)
    assert found['acc'] == pytest.approx(100 * np.mean(ann[both] == bob[both]))
    assert found['seconds'] == both.sum() / 25
    for row in content['by_class']:
        k = CLASSES.index(row['class'])
        expected = cohen_kappa_score(ann[both] == k, bob[both] == k)
        assert row['kappa'] == pytest.approx(expected, abs=1e-9)
    for row in content['measures']:
        if row['measure'] == 'total_s':
            values = np.array(
                [
                    [sum(b - a for a, b, n in own if n == row['class']) for own in pair]
                    for pair in zip(firsts, seconds, strict=True)
                ]
            )
            assert row['icc'] == pytest.approx(icc(values), abs=1e-9)
            assert row['error'] == pytest.approx(np.abs(values @ [-1, 1]).mean())
    differs = sum(row['seconds'] for row in content['disagreements'])
    assert differs == pytest.approx(np.count_nonzero((ann != bob) & both) / 25)


def test_command_writes_tables_pictures_and_a_page(run_tool, tmp_path):
    """Of 10 s, 3 differ; by chance, 1 - 0.6 * 0.5 - 0.4 * 0.3 = 0.58 of them would."""
    for who, table in (('ann', ANN), ('bob', BOB)):
        (tmp_path / f'{who}.csv').write_text(table)
    done = run_tool('mmskelseg', 'agree', 'ann.csv', 'bob.csv', '--out', 'out')
    assert 'ann, bob  0.483  0.470  70.0  66.7   66.7' in done.stdout
    assert "'rest' is used by bob, but not by ann" in done.stdout
    assert 'no file states frames per second; 25 are compared' in done.stdout
    out = tmp_path / 'out'
    assert read_table(out / 'disagreements.csv') == [
        {'recording': 'm1', 'tier': '', 'start_s': '8.000', 'end_s': '10.000',
         'seconds': '2.000', 'ann': 'walk', 'bob': 'rest'},
        {'recording': 'm1', 'tier': '', 'start_s': '4.000', 'end_s': '5.000',
         'seconds': '1.000', 'ann': 'groom', 'bob': 'walk'},
    ]  # fmt: skip
    rows = {row['first']: row for row in read_table(out / 'confusion.csv')}
    assert [rows['walk'][f'second: {name}'] for name in CLASSES] == ['0', '50', '100']
    measures = {
        (row['class'], row['measure']): row for row in read_table(out / 'measures.csv')
    }
    walk = measures['walk', 'bouts']
    assert (walk['mean_first'], walk['mean_second'], walk['error']) == (
        '2.000', '1.000', '1.000'
    )  # fmt: skip
    assert (walk['icc'], walk['why']) == ('', '1 recording, but two are needed')
    assert measures['groom', 'latency_s']['difference'] == '1.000'
    assert measures['rest', 'latency_s']['recordings'] == '0'
    # Of groom, 0.9 agree, and 0.4 * 0.3 + 0.6 * 0.7 = 0.54 by chance.
    assert read_table(out / 'by_class.csv')[0]['kappa'] == '0.783'
    assert np.ptp(matplotlib.image.imread(out / 'timelines' / 'm1.png')) == 1
    page = (out / 'agreement.html').read_text()
    assert 'aria-label="Timeline of 0:10.0; segments: ann 3, bob ' in page
    assert 'src=' not in page
    assert '0.483' in page


def test_timelines_have_the_colours_that_a_file_states(call, tmp_path):
    known = Ethogram(classes=[ClassInfo('walk', color='#ff0000')])
    video = VideoSegments('m1', [Segment(0, 8, 'walk')], 25.0, 200, ethogram=known)
    write_boris(tmp_path / 'ann.boris', [video], ['walk'])
    (tmp_path / 'bob.csv').write_text('video,start,end,label\nm1,0,8,walk\n')
    call(tmp_path / 'ann.boris', tmp_path / 'bob.csv')
    image = matplotlib.image.imread(tmp_path / 'out' / 'timelines' / 'm1.png')[..., :3]
    assert (image == (1, 0, 0)).all(-1).mean() > 0.1


def test_three_observers_have_the_kappa_of_fleiss_and_alpha(agree):
    """Of the second half, which the third has not labelled, only alpha knows."""
    half = 'video,start,end,label\nm1,0,4,walk\nm1,4,5,groom\n'
    _, content = agree({'ann': ANN, 'bob': BOB, 'cat': half})
    assert [row['observers'] for row in content['overall']] == [
        ['ann', 'bob'], ['ann', 'cat'], ['bob', 'cat'], ['ann', 'bob', 'cat']
    ]  # fmt: skip
    last = content['overall'][-1]
    # In 100 frames all say walk, and in 25 walk stands against groom twice.
    labels = np.array([0] * 250).reshape(1, -1).repeat(3, 0)
    labels[0, 100:200], labels[1, 125:200], labels[2, 100:125] = 1, 1, 1
    labels[1, 200:], labels[2, 125:] = 2, -1
    assert last['alpha'] == pytest.approx(alpha(labels), abs=1e-9)
    agreed, groom = (100 + 25 / 3) / 125, 50 / 375
    chance = groom**2 + (1 - groom) ** 2
    assert last['kappa'] == pytest.approx((agreed - chance) / (1 - chance))
    assert last['seconds'] == 5


def test_shift_that_raises_agreement_is_said_and_applied_if_asked(agree):
    """Two frames are 0.08 s."""
    rows = [(i, i + 1, CLASSES[i % 3]) for i in range(30)]
    tables = {
        who: 'video,start,end,label\n'
        + ''.join(f'm1,{a + late},{b + late},{name}\n' for a, b, name in rows)
        for who, late in (('ann', 0), ('bob', 0.08))
    }
    said, content = agree(tables)
    assert content['overall'][0]['acc'] == pytest.approx(92, abs=0.5)
    (shift,) = content['shifts']
    assert (shift['frames'], shift['acc_shifted']) == (-2, 100)
    assert '2 frames earlier' in said
    assert '--shift bob=-2' in said
    said, content = agree(tables, '--shift', 'bob=-2')
    assert content['overall'][0]['acc'] == 100
    assert 'labels of bob are moved by -2 frames' in said
    assert content['shifts'] == []


def test_unlabelled_time_counts_if_its_class_is_named(agree):
    """Bob has no label from 2 to 4 s, and ann from 8 to 10 s."""
    tables = {
        'ann': 'video,start,end,label\nm1,0,8,walk\n',
        'bob': 'video,start,end,label\nm1,0,2,walk\nm1,4,10,walk\n',
    }
    said, content = agree(tables)
    assert content['overall'][0]['seconds'] == 6
    assert content['overall'][0]['why'] == 'all of it has one class'
    assert 'ann labels 2.0 s that bob does not, and bob 2.0 s that ann does not' in said
    said, content = agree(tables, '--background', 'other')
    assert content['overall'][0]['acc'] == 60
    assert 'no file states the length of m1' in said
    _, content = agree(tables, '--background', 'other', '--duration', 20)
    assert content['overall'][0]['acc'] == 80


def test_recordings_of_different_lengths_and_rates_are_said(call, tmp_path):
    for who, fps, frames in (('ann', 25.0, 250), ('bob', 30.0, 360)):
        video = VideoSegments('m1', [Segment(0, frames / fps, 'walk')], fps, frames)
        (tmp_path / f'{who}_segments.json').write_text(
            json.dumps(
                {
                    'frame_dir': 'm1', 'fps': fps, 'total_frames': frames,
                    'classes': [['walk', 'rest'], ['rest', 'walk']][fps == 30],
                    'segments': [vars(s) | {'tier': ''} for s in video.segments],
                }
            )
        )  # fmt: skip
    said = call(tmp_path / 'ann_segments.json', tmp_path / 'bob_segments.json')
    assert "'m1' is 10.00 s (ann_segments), 12.00 s (bob_segments) long" in said
    assert 'files are of 25, 30 frames per second, compared at 30' in said
    assert 'the classes of bob_segments have another order than those of ann' in said


def test_classes_that_differ_in_case_are_said(agree):
    said, _ = agree({'ann': ANN, 'bob': ANN.replace('walk', 'Walk')})
    assert "'Walk', 'walk' are compared as different classes" in said


def test_classes_that_overlap_have_tiers_for_all(agree):
    """Even for an observer who never saw both; nobody labelled from 6 s."""
    tables = {
        'ann': 'video,start,end,label\nm1,0,6,walk\nm1,2,4,sniff\n',
        'bob': 'video,start,end,label\nm1,0,3,walk\nm1,3,4,sniff\n',
    }
    said, content = agree(tables)
    assert 'classes that overlap get tiers' in said
    found = {row['tier']: row for row in content['overall']}
    assert found['sniff']['acc'] == pytest.approx(100 * 5 / 6)
    assert found['walk']['acc'] == pytest.approx(50)
    assert content['disagreements'][0] == {
        'recording': 'm1', 'tier': 'walk', 'start_s': 3, 'end_s': 6, 'seconds': 3,
        'said': {'ann': 'walk', 'bob': 'no walk'},
    }  # fmt: skip


def test_annotations_and_dumped_predictions_are_compared(call, tmp_path):
    """The dump has the labels of the file but for one frame, and other recordings."""
    data = small_annotations()
    save_annotations(data, tmp_path / 'mine.pkl')
    data = load_annotations(tmp_path / 'mine.pkl')
    names = data['metainfo']['classes']
    dump = []
    for video in data['annotations']:
        label = video['label'].copy()
        label[0] = (label[0] + 1) % len(names)
        dump.append(
            {'frame_dir': video['frame_dir'], 'pred_label': label, 'classes': names}
        )
    dump[0]['frame_dir'] = 'elsewhere'
    (tmp_path / 'dump.pkl').write_bytes(pickle.dumps(dump))
    files = (tmp_path / 'mine.pkl', tmp_path / 'dump.pkl')
    assert all(word in call(*files) for word in ('dump.pkl', '--label-fps'))
    fps = data['annotations'][0]['fps']
    said = call(*files, '--label-fps', fps)
    content = json.loads((tmp_path / 'out' / 'agreement.json').read_text())
    frames = [len(video['label']) for video in data['annotations'][1:]]
    expected = 100 * (1 - len(frames) / sum(frames))
    assert content['overall'][0]['acc'] == pytest.approx(expected)
    assert 'dump alone has 1 recording, left out: elsewhere' in said


def test_observers_of_one_annotation_file_are_compared(call, tmp_path):
    """Bob has labelled one of three videos, and differs in a frame of it."""
    data = small_annotations()
    save_annotations(data, tmp_path / 'mine.pkl')
    assert 'mine.pkl' in call(tmp_path / 'mine.pkl')
    for video in data['annotations']:
        video['observers'] = {'ann': video.pop('label')}
    label = data['annotations'][1]['observers']['ann'].copy()
    label[3] = (label[3] + 1) % 3
    data['annotations'][1]['observers']['bob'] = label
    save_annotations(data, tmp_path / 'mine.pkl')
    said = call(tmp_path / 'mine.pkl')
    content = json.loads((tmp_path / 'out' / 'agreement.json').read_text())
    assert content['observers'] == ['ann', 'bob']
    assert content['overall'][0]['acc'] == pytest.approx(100 * 44 / 45)
    assert 'ann alone has 2 recordings, left out: video_0, video_2' in said


def test_recordings_are_paired_by_names_within_names(agree):
    """Files of one recording each are paired, whatever they are called."""
    two = ANN + ANN.partition('\n')[2].replace('m1', 'm2')
    said, content = agree({'ann': two, 'bob': two.replace('m1', 'm1_bob')})
    assert [row['recording'] for row in content['recordings']] == ['m1', 'm2']
    assert "'m1_bob' of bob is compared with 'm1'" in said
    said, content = agree({'ann': ANN, 'bob': BOB.replace('m1', 'x')})
    assert len(content['recordings']) == 1
    assert "'x' of bob is compared with 'm1'" in said


def test_tier_that_one_has_not_labelled_does_not_count(agree):
    """In numbers and durations either; of postures, both have seen one bout."""
    posture = 'video,tier,start,end,label\nm1,posture,0,4,up\nm1,posture,4,9,down\n'
    tables = {'ann': f'{posture}m1,gaze,1,3,ahead\nm1,gaze,3,4,up\n', 'bob': posture}
    _, content = agree(tables)
    found = {
        (row['class'], row['measure']): (row['recordings'], row['mean_first'])
        for row in content['measures']
    }
    assert found['ahead', 'bouts'] == found['ahead', 'total_s'] == (0, None)
    assert found['down', 'bouts'] == (1, 1)
    assert found['down', 'total_s'] == (1, 5)


def test_files_of_one_name_are_called_after_the_first_folders_that_differ(
    call, tmp_path
):
    """As those that the studio exports."""
    files = [tmp_path / who / 'files' / 'labels.csv' for who in ('ann', 'bob')]
    for path, table in zip(files, (ANN, BOB), strict=True):
        path.parent.mkdir(parents=True)
        path.write_text(table)
    assert 'ann, bob  0.483' in call(*files)
    assert 'two observers have this name' in call(files[0], files[0])


@pytest.mark.parametrize(
    ('tables', 'options', 'words'),
    [
        ({'ann': ANN}, (), ['ann.csv', 'single observer']),
        ({'ann': ANN, 'bob': BOB}, ('--names', 'a'), ['--names', '1 for 2']),
        ({'ann': ANN, 'bob': BOB}, ('--names', 'a', 'a'), ['a: two', '--names']),
        ({'ann': ANN, 'bob': BOB}, ('--names', '', 'b'), ['--names', "''"]),
        ({'ann': ANN, 'bob': BOB}, ('--shift', 'cat=2'), ['cat=2', 'ann, bob']),
        ({'ann': ANN, 'bob': BOB}, ('--shift', 'bob=late'), ['bob=late', 'number']),
        (
            {'ann': ANN + 'm2,0,1,walk\n', 'bob': 'video,start,end,label\nx,0,1,a\n'},
            (),
            ['ann: m1, m2', 'bob: x', 'paired by name'],
        ),
        (
            {'ann': ANN, 'bob': BOB + 'm1,7.9,8.1,walk\n'},
            (),
            ['bob.csv', "'m1'", "'walk' (7.900 to 8.100 s)"],
        ),
        ({'ann': ANN, 'bob': BOB + 'm1,10,1e8,walk\n'}, (), ["'m1'", '1e+08', '--fps']),
        ({'ann': ANN, 'bob': BOB}, ('--duration', 2), ['ann.csv', "'m1'", '8.000']),
    ],
)
def test_what_cannot_be_compared_is_named(agree, tables, options, words):
    said, _ = agree(tables, *options)
    assert all(word in said for word in words), said
