"""Numbers by place, as a user asks for them."""

import matplotlib.image
import numpy as np
import pytest

from mmskelseg_behaviour.commands.bouts import DescribeBouts, main
from mmskelseg_behaviour.tracks import PlaceInput
from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.small_data import save_poses, small_annotations
from tests.tables import read_table

PLACES = """name,shape,x,y,radius
left,polygon,0,0,
left,polygon,320,0,
left,polygon,320,480,
left,polygon,0,480,
bowl,circle,500,240,40
40 cm,line,0,0,
40 cm,line,80,0,
"""


@pytest.fixture
def data(tmp_path):
    """Three people on the left, of whom the second goes to the right in the middle."""
    data = small_annotations()
    for video in data['annotations']:
        video['keypoint'][:] = 100
        video['keypoint'] += 10 * np.arange(video['total_frames'])[:, None, None] % 20
    data['annotations'][1]['keypoint'][:, 20:, :, 0] += 400
    (tmp_path / 'places.csv').write_text(PLACES)
    save_annotations(data, tmp_path / 'annotations.pkl')
    return data


def test_command_writes_numbers_by_place_and_maps(data, tmp_path, capsys):
    """Frames are 10 a second, a pixel is half a centimetre."""
    (tmp_path / 'groups.csv').write_text(
        'video,group\nvideo_0,a\nvideo_1,b\nvideo_2,b\n'
    )
    main([
        str(tmp_path / 'annotations.pkl'), '--out', str(tmp_path / 'out'), '--by-place',
        '--places', str(tmp_path / 'places.csv'), '--place-joint', 'nose',
        '--groups', str(tmp_path / 'groups.csv'),
    ])  # fmt: skip
    out = tmp_path / 'out'
    assert f'{out / "occupancy.png"}' in capsys.readouterr().out
    table = read_table(out / 'places.csv')
    places = ['left', 'bowl', '(anywhere)']
    assert [(r['video'], r['place']) for r in table[3:6]] == [
        ('video_1', place) for place in places
    ]
    # With the way to the right.
    steps = 43 * 2**0.5 * 10 + np.hypot(390, 10)
    assert float(table[5]['distance']) == pytest.approx(steps / 2, abs=0.01)
    assert (table[5]['entries'], table[5]['time_s']) == ('', '4.500')
    assert table[3] == {
        'video': 'video_1', 'group': 'b', 'place': 'left', 'entries': '1',
        'latency_s': '0.000', 'time_s': '2.000', 'share_percent': '44.444',
        # 19 steps of 10 pixels to the right and down, and back.
        'distance': f'{19 * 5 * 2**0.5:.3f}', 'mean_speed': f'{50 * 2**0.5:.3f}',
        # 25 frames that are 180 or 190 pixels away.
        'mean_distance_to': f'{(13 * 180 + 12 * 190) / 2 / 45:.3f}',
        'unit': 'cm', 'seen_s': '4.500',
    }  # fmt: skip
    (first,) = (
        r
        for r in read_table(out / 'behaviours_by_place.csv')
        if (r['video'], r['place'], r['class']) == ('video_1', 'left', 'class_2')
    )
    # Labels begin with class_1 for 12 frames.
    assert (first['bouts'], first['time_s'], first['share_percent']) == (
        '1', '0.800', '40.000'
    )  # fmt: skip
    compared = read_table(out / 'place_comparison.csv')
    # Nothing enters (anywhere).
    assert [(r['place'], r['measure']) for r in compared[:4]] == [
        ('left', 'entries'), ('bowl', 'entries'), ('left', 'latency_s'),
        ('left', 'time_s'),
    ]  # fmt: skip
    assert np.ptp(matplotlib.image.imread(out / 'occupancy.png')) == 1


def test_poses_may_be_files_and_labels_a_table(data, tmp_path):
    """Notes name the place off the image, and that lengths are in pixels."""
    (tmp_path / 'lab.csv').write_text('video,start,end,label\nvideo_1,0,4,walk\n')
    (tmp_path / 'some.csv').write_text('name,shape,x,y\nlamp,point,700,90\n')
    save_poses(tmp_path / 'video_1.npz', data['annotations'][1])
    events = []

    class Events:
        def note(self, text):
            events.append(text)

    given = PlaceInput(
        by_place=True,
        places=tmp_path / 'some.csv',
        poses=[tmp_path / 'video_1.npz'],
    )
    DescribeBouts(
        labels=[tmp_path / 'lab.csv'], out=tmp_path / 'out', place_input=given
    ).run(Events())
    row, _ = read_table(tmp_path / 'out' / 'places.csv')
    assert (row['place'], row['entries'], row['unit']) == ('lamp', '', 'px')
    assert any('in pixels' in text for text in events)
    assert any("'lamp' lies outside the 640x480 image" in text for text in events)


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'by_place': True}, ["'video_0' has no places", '--places']),
        ({'places': 'places.csv'}, ['--places', '--by-place']),
        ({'by_place': True, 'places': 'places.csv', 'joint': 'tail'}, ['tail', 'nose']),
    ],
)
def test_what_lacks_is_named(data, options, named, tmp_path):
    options = {k: tmp_path / v if k == 'places' else v for k, v in options.items()}
    job = DescribeBouts(
        labels=[tmp_path / 'annotations.pkl'],
        out=tmp_path / 'out',
        place_input=PlaceInput(**options),
    )
    with raises_naming(UserError, *named):
        job.run(None)
