"""The converter of UW-IOM, on small releases in the layout of the public one."""

import io
import shutil
import zipfile
from functools import partial

import numpy as np
import pytest

from mmskelseg.converters import uwiom
from mmskelseg.converters.lcr_release import find_files, project, videos_of
from mmskelseg_io.converters.building import ReleaseOptions
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.small_data import ROOT
from tests.test_converters.faults import (
    check_refused,
    remove,
    rename,
    replace,
    save,
    truncate,
)
from tests.test_converters.releases import FRAMES
from tests.test_converters.releases import UWIOM_NAMES as RELEASE_NAMES
from tests.test_converters.releases import uwiom as make_release

TOOL = 'tools/dataset_converters/uwiom.py'
REAL = ROOT.parent / 'shared' / 'data' / 'uwiom_raw'


@pytest.fixture
def release(tmp_path):
    return make_release(tmp_path / 'release')


def test_projection_is_a_pinhole_with_depth_first():
    """4 m away, 0.4 m right and 0.8 m up: 500 * 0.1 right and 500 * 0.2 above.

    The last joint stays outside the image.
    """
    np.testing.assert_allclose(
        project(np.array([[4.0, -0.4, 0.8], [2.0, 0.0, -0.5], [1.0, 1.0, 0.0]])),
        [[320 + 50, 240 - 100], [320, 240 + 125], [320 - 500, 240]],
    )


def convert(source, out, **options):
    uwiom.ConvertUWIOM(source=source, out=out, **options).run(PrintedEvents())


def test_conversion_keeps_poses_labels_and_risk(release, tmp_path):
    """Every array of the file is that of the release, in the agreed type."""
    convert(release, tmp_path / 'out', test='03')
    data = load_annotations(tmp_path / 'out/annotations.pkl')
    assert data['split'] == {'train': ['01', '02'], 'test': ['03']}
    assert data['metainfo']['skeleton'] == 'lcr15'
    assert data['metainfo']['classes'][16] == 'box_walk_hold'
    video = data['annotations'][2]
    pose = np.load(release / 'Poses/03_pose3d.npy')
    np.testing.assert_allclose(video['keypoint_3d'][0], pose, rtol=1e-6)
    assert video['keypoint_3d'].dtype == video['risk'].dtype == np.float32
    assert video['label'].dtype == np.int64
    np.testing.assert_array_equal(video['label'], np.arange(FRAMES) // 2)
    np.testing.assert_array_equal(video['risk'], np.arange(FRAMES))
    np.testing.assert_allclose(
        video['keypoint'][0, 5, 7, 1],
        240 - 500 * pose[5, 7, 2] / pose[5, 7, 0],
        rtol=1e-5,
    )


def test_folds_test_each_video_once(release, tmp_path):
    """The third video of three is in the second of two folds' training part."""
    convert(release, tmp_path, test='03', given=ReleaseOptions(10, folds=2))
    split = load_annotations(tmp_path / 'annotations.pkl')['split']
    assert split['fold1/test'] == ['01', '03']
    assert split['fold2/test'] == split['fold1/train'] == ['02']
    assert split['fold2/train'] == ['01', '03']
    with raises_naming(UserError, '--folds is 4', '2 to 3'):
        given = ReleaseOptions(10, folds=4)
        convert(release, tmp_path / 'none', test='03', given=given)


def test_conversion_writes_the_same_bytes_each_time(release, tmp_path, run_tool):
    """It ends with a summary."""
    for seed in '12':
        environment = {'PYTHONHASHSEED': seed}
        done = run_tool(
            TOOL, release, tmp_path / seed, '--test', '2,3', env=environment
        )
    first, second = ((tmp_path / seed / 'annotations.pkl') for seed in '12')
    assert first.read_bytes() == second.read_bytes()
    assert done.stdout.splitlines() == [
        '3 videos, 36 frames at 10 fps (assumed), 17 classes, 18 segments',
        'train: 1 video (01)',
        'test: 2 videos (02, 03)',
        f'written to {second}',
    ]


def test_complete_release_gets_its_own_split(tmp_path):
    """Its five validation videos test, the other 15 train. It may lie in Data/UW."""
    make_release(tmp_path / 'Data/UW', [f'{i:02d}' for i in range(1, 21)])
    convert(tmp_path, tmp_path)
    split = load_annotations(tmp_path / 'annotations.pkl')['split']
    assert split['test'] == ['07', '10', '12', '13', '15']
    assert len(split['train']) == 15


@pytest.mark.skipif(
    not REAL.is_dir(), reason='the real release is not beside the project'
)
def test_real_release_converts(tmp_path, capsys):
    """15 videos, 25,248 frames, and each joint within the nominal image."""
    convert(REAL, tmp_path, test='03,09,18')
    assert capsys.readouterr().out.startswith('15 videos, 25,248 frames')
    for video in load_annotations(tmp_path / 'annotations.pkl')['annotations']:
        assert ((video['keypoint'] > 0) & (video['keypoint'] < (640, 480))).all()
        # The head (13) is above the ankles (0, 1), since y grows downwards.
        height = (
            video['keypoint'][0, :, :2, 1].mean(-1) - video['keypoint'][0, :, 13, 1]
        )
        assert (height > 0).all()


def edit_pose(index, value):
    def change(root):
        path = root / 'Poses/02_pose3d.npy'
        pose = np.load(path)
        pose[index] = value
        np.save(path, pose)

    return change


def empty(root):
    for path in root.rglob('0*.*'):
        path.unlink()


POSE, LABEL = 'Poses/02_pose3d.npy', 'Labels/ClassNumber/02.npy'
RISK, NAMES = 'RebaScoreFrameWise/02.txt', 'Labels/uniquelabelnames.npy'
OTHER_NAMES = np.array([*RELEASE_NAMES[1:], 'box_jump'])
FAULTS = [
    (empty, 'no video'),
    (remove(LABEL), f'/{LABEL} | missing | video 02'),
    (remove(POSE), f'/{POSE} | missing | video 02'),
    (remove(RISK), f'/{RISK} | missing | video 02'),
    (rename(POSE, 'Poses/2_pose3d.npy'), '/Poses/2_pose3d.npy | 03_pose3d.npy'),
    (truncate(POSE), f'/{POSE} | damaged'),
    (save(LABEL, np.array([None] * FRAMES)), f'/{LABEL} | damaged'),
    (save(POSE, np.ones((FRAMES, 17, 3))), f'/{POSE} | float64 | (12, 17, 3)'),
    (edit_pose((4, 7), np.nan), f'/{POSE} | frame 4, joint 7'),
    (
        edit_pose((5, slice(2, 4), 0), -0.5),
        f'/{POSE} | frame 5, joint 2 | above 0 | first of 2',
    ),
    (
        save(LABEL, np.arange(FRAMES) + 6),
        f"/{LABEL} | video '02' | label is 17 in frame 11",
    ),
    (save(LABEL, np.zeros(FRAMES)), f"/{LABEL} | video '02' | float64"),
    (save(LABEL, np.zeros(14, int)), f"/{LABEL} | video '02' | (14,)"),
    (replace(RISK, '3.0', 'three'), f"/{RISK} | 'three"),
    (
        replace(RISK, '3.000000000000000000e+00', 'nan'),
        f"/{RISK} | video '02' | risk is nan in frame 3",
    ),
    (
        replace(RISK, '3.0', '3.0\n3.0'),
        f"/{RISK} | video '02' | risk | shape (13,) | (12,)",
    ),
    (remove(NAMES), f'/{NAMES} | missing'),
    (
        save(NAMES, OTHER_NAMES),
        f'/{NAMES} | 17 class names | box_bend_pick_up_low, box_jump',
    ),
]


@pytest.mark.parametrize(('change', 'named'), FAULTS)
def test_fault_in_the_release_names_file_and_place(change, named, release, tmp_path):
    job = partial(uwiom.ConvertUWIOM, test='03')
    check_refused(job, release, tmp_path / 'out', change, named)


@pytest.mark.parametrize(
    ('wanted', 'named'),
    [
        (None, '07, 10, 12, 13, 15'),
        ('03,21', ' 21 '),
        ('01,02,03', 'all'),
    ],
)
def test_fault_in_the_split_names_the_videos(wanted, named, release, tmp_path):
    with raises_naming(UserError, release, named, '(01, 02, 03)', '--test'):
        convert(release, tmp_path, test=wanted)


def test_folder_that_is_no_release_names_its_parts(tmp_path):
    with raises_naming(UserError, tmp_path / 'nowhere', 'Poses', '--download'):
        uwiom.find_release(tmp_path / 'nowhere')


def make_archive(folder):
    """Return a GitHub archive of a release, with files that must not be unpacked."""
    release = make_release(folder / 'archived')
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        for path in sorted(release.rglob('*.*')):
            name = f'MTL-ERA-master/Data/UW/{path.relative_to(release)}'
            archive.write(path, name)
        for name in (
            'MTL-ERA-master/run/train.py',
            'MTL-ERA-master/Data/UW/Poses/../../../../04_pose3d.npy',
            'MTL-ERA-master/Data/UW/../../../Poses/04_pose3d.npy',
            '/Data/UW/Poses/04_pose3d.npy',
        ):
            archive.writestr(name, 'unwanted')
    return buffer.getvalue()


def files_below(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob('*') if p.is_file())


def download(url, place):
    is_there = uwiom._root(place) is not None
    uwiom.DATA.download(url, place, is_there, PrintedEvents())


def is_complete(place):
    files = find_files(place / 'Data/UW', uwiom.PARTS)
    return videos_of(files) == ['01', '02', '03']


def test_download_unpacks_the_release_alone(server, tmp_path, call_tool):
    """Only the release's own files are written, whatever names the archive holds."""
    server.content = make_archive(tmp_path / 'made')
    place = tmp_path / 'new' / 'place'
    arguments = (place, place / 'out', '--test', '03', '--download')
    call_tool(TOOL, *arguments, '--url', server.url)
    shutil.rmtree(place / 'out')
    release = tmp_path / 'made/archived'
    assert files_below(tmp_path / 'new') == [
        f'place/Data/UW/{name}' for name in files_below(release)
    ]
    for name in files_below(release):
        fetched = (place / 'Data/UW' / name).read_bytes()
        assert fetched == (release / name).read_bytes()


def test_download_is_left_out_when_the_release_is_there(server, release):
    download(server.url, release)
    assert server.asked == []


def test_download_continues_where_it_ended(server, tmp_path):
    """A cut connection is named, and the next run asks for the rest alone."""
    server.content = make_archive(tmp_path / 'made')
    server.cut = 1000
    place = tmp_path / 'place'
    with raises_naming(UserError, server.url, f'1000 of {len(server.content)} bytes'):
        download(server.url, place)
    assert files_below(place) == ['uwiom.zip.part']
    server.cut = None
    download(server.url, place)
    assert server.asked == [None, 'bytes=1000-']
    assert is_complete(place)


@pytest.mark.parametrize('ranges', [True, False])
def test_download_starts_anew_where_it_cannot_continue(server, tmp_path, ranges):
    """A part longer than the file, or a server without ranges, does no harm."""
    server.content = make_archive(tmp_path / 'made')
    server.ranges = ranges
    (tmp_path / 'uwiom.zip.part').write_bytes(b'x' * 10_000_000)
    download(server.url, tmp_path)
    assert is_complete(tmp_path)


def test_interrupted_unpacking_is_done_again(server, tmp_path):
    """As long as the archive lies there, its files are not taken for complete."""
    (tmp_path / 'uwiom.zip').write_bytes(make_archive(tmp_path / 'made'))
    make_release(tmp_path / 'Data/UW', ['01'])
    download(server.url, tmp_path)
    assert is_complete(tmp_path)
    assert not (tmp_path / 'uwiom.zip').exists()
    assert server.asked == []


def test_missing_page_is_named(server, tmp_path):
    with raises_naming(UserError, server.url, '404'):
        download(server.url, tmp_path)


def empty_archive():
    buffer = io.BytesIO()
    zipfile.ZipFile(buffer, 'w').close()
    return buffer.getvalue()


@pytest.mark.parametrize(
    ('content', 'named'),
    [
        (b'<html>sign in</html>', 'File is not a zip file'),
        (empty_archive(), '--url'),
    ],
    ids=['page', 'empty'],
)
def test_archive_that_is_no_release_is_deleted(content, named, server, tmp_path):
    """The next run downloads it again instead of failing in the same way."""
    server.content = content
    with raises_naming(UserError, tmp_path / 'uwiom.zip', named):
        download(server.url, tmp_path)
    assert files_below(tmp_path) == []
