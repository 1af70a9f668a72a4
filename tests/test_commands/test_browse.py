"""The summary, the suspicions and the pictures, as a user asks for them."""

import json
import pickle
from html.parser import HTMLParser
from urllib.parse import unquote

import matplotlib.image
import numpy as np
import pytest

from mmskelseg_io.files.pickles import load_pickle

TOOL = 'tools/analysis/browse_dataset.py'


@pytest.fixture
def change(small_data):
    """Change the small annotations, without a check of the format."""

    def apply(edit):
        data = load_pickle(small_data)
        edit(data)
        small_data.write_bytes(pickle.dumps(data))

    return apply


class Page(HTMLParser):
    """The pictures and the text of a page."""

    def __init__(self, text):
        super().__init__()
        self.images, self.text = [], ''
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == 'img':
            self.images.append(dict(attrs))

    def handle_data(self, data):
        self.text += data


def test_browser_writes_pictures_and_a_page_of_them(run_tool, small_data):
    """One command writes all beside the annotation file, and tells how far it is."""
    done = run_tool(TOOL, small_data)
    folder = small_data.parent / 'browse'
    assert done.stdout.splitlines()[-1] == str(folder / 'index.html')
    assert '[3/3] Drawing' in done.stdout
    page = Page((folder / 'index.html').read_text())
    files = [image['src'] for image in page.images]
    assert files == [f'videos/video_{i}.png' for i in range(3)]
    for file in files:
        assert np.ptp(matplotlib.image.imread(folder / file)) == 1
    table = (folder / 'time_budget.csv').read_text().splitlines()
    assert table[0].startswith('video,class,segments,total_s,mean_s,share_percent,')
    assert [line.split(',')[0] for line in table[1::3]] == [
        'video_0', 'video_1', 'video_2', 'all'
    ]  # fmt: skip
    assert done.stdout.startswith(f'data set    small ({small_data})\n')
    # Those that are alike are one.
    assert (
        'suspicious: 4\n  scores all equal\n    video_0, video_1, video_2: all joints '
        'that are seen have the score 1,'
    ) in done.stdout
    text, _, _ = done.stdout.partition('[1/3] Drawing')
    assert text.splitlines()[-1].strip() in page.text


def test_browser_prints_what_the_file_holds(call_tool, small_data, change):
    def edit(data):
        video = data['annotations'][0]
        video['keypoint_score'][0, :31, 9] = 0
        video['keypoint_score'][0, 40:42] = 0
        video['label'][:20] = -1
        data['split']['test'] = ['video_1']
        data['split']['train'] = ['video_0']
        data['annotations'][1]['label'] %= 2

    change(edit)
    text = call_tool(TOOL, small_data, '--no-pictures').stdout
    for line in (
        'videos      3, from 4.5 s (video_1) to 6.0 s (video_0), 15.5 s in all',
        'frames      155',
        'skeleton    coco17, 17 joints',
        'view        from the ',
        'no one seen in 2 frames (1.3 %)',
        'missing     1.2 % of the joints of persons present',
        'unlabelled  20 frames (12.9 %)',
        'left_wrist       20.3 %',
        'train       1      60  -',
        'test        1      45  class_2',
        'in no split: video_2',
    ):
        assert line in text, line
    assert not (small_data.parent / 'browse').exists()


def test_browser_shows_a_few_suspicions_and_keeps_all(call_tool, small_data, change):
    """It prints six of a kind; the JSON file has all."""

    def edit(data):
        video = data['annotations'][0]
        data['annotations'] = [
            {**video, 'frame_dir': f'v{i}', 'keypoint': video['keypoint'] + i}
            for i in range(9)
        ]
        for i, one in enumerate(data['annotations']):
            one['keypoint'][0, i, 3] = (9000, i)
        data['split'] = {'train': ['v0'], 'test': ['v1']}

    change(edit)
    file = small_data.parent / 'new' / 'a.json'
    text = call_tool(TOOL, small_data, '--no-pictures', '--json', file).stdout
    assert '    and 3 more (--json FILE has all)' in text
    content = json.loads(file.read_text())
    far = [
        one for one in content['suspicions'] if one['check'] == 'far outside the image'
    ]
    assert [one['video'] for one in far] == [f'v{i}' for i in range(9)]
    assert 'left_ear in frame 8, is at (9000, 8)' in far[8]['text']
    assert content['frames'] == 540
    totals = [row['total'] for row in content['time_budget']['classes']]
    assert sum(totals) == pytest.approx(54)


def test_browser_takes_names_literally(call_tool, small_data, change):
    """Ids and classes may contain signs of HTML, URLs and formulas."""

    def edit(data):
        data['annotations'][0]['frame_dir'] = 'a/<b> & "50%$"'
        data['split'] = {'train': ['a/<b> & "50%$"'], 'test': ['video_1']}
        data['metainfo']['classes'][0] = '<i>$x_$'

    change(edit)
    out = small_data.parent / 'new' / 'folder'
    call_tool(TOOL, small_data, '--first', 1, '--frames', 2, '--out', out)
    text = (out / 'index.html').read_text()
    assert '<i>' not in text
    page = Page(text)
    (image,) = page.images
    assert image['alt'] == 'Frames of a/<b> & "50%$"'
    assert (out / unquote(image['src'])).is_file()
    assert '0  <i>$x_$' in page.text


def test_browser_draws_videos_of_one_frame_and_of_nobody(call_tool, small_data, change):

    def edit(data):
        video = data['annotations'][0]
        for key in ('keypoint', 'keypoint_score'):
            video[key] = 0 * video[key][:, :1]
        video['label'] = video['label'][:1]
        video['total_frames'] = 1

    change(edit)
    call_tool(TOOL, small_data, '--first', 1)
    folder = small_data.parent / 'browse' / 'videos'
    assert [file.name for file in folder.iterdir()] == ['video_0.png']


def test_browser_finds_video_files_in_the_folder_that_is_named(
    call_tool, small_data, change
):
    """By default they are beside the annotation file."""
    change(lambda data: data['annotations'][0].update(filename='a.mp4'))
    text = call_tool(TOOL, small_data, '--no-pictures').stdout
    assert 'video files 1 named, 1 of them missing' in text
    (small_data.parent / 'films').mkdir()
    (small_data.parent / 'films' / 'a.mp4').write_bytes(b'nothing')
    option = ('--videos', small_data.parent / 'films')
    text = call_tool(TOOL, small_data, '--no-pictures', *option).stdout
    assert 'video files 1 named, 0 of them missing' in text
    assert 'films/a.mp4: cannot be read as a video' in text
    change(lambda data: data['annotations'][1].update(label=np.zeros(44, int)))
    error = call_tool(TOOL, small_data, code=1).stderr
    assert f"error: {small_data}: video 'video_1': label is an array" in error
    assert '(44,)' in error
