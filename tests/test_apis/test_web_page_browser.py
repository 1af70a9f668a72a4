"""The web page as a user sees it, in a browser without a screen."""

import csv
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.browser import marks, opened
from tests.small_data import ROOT, small_annotations

pytestmark = marks('gradio', 'av')


@pytest.fixture
def address(small_config, checkpoint, tmp_path):
    """Where demo/app.py serves the page of one model."""
    command = [ROOT / 'demo' / 'app.py', checkpoint(small_config), '--device', 'cpu']
    with (tmp_path / 'log.txt').open('w+') as log:
        server = subprocess.Popen(
            [sys.executable, *map(str, command)],
            cwd=tmp_path,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            for _ in range(240):
                text = (tmp_path / 'log.txt').read_text()
                if 'The page is at ' in text or server.poll() is not None:
                    break
                time.sleep(0.5)
            assert 'The page is at http://127.0.0.1:' in text, text
            yield text.partition('The page is at ')[2].split()[0]
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture
def page(address):
    with opened(address, '#run') as page:
        page.set_default_timeout(60_000)
        yield page


@pytest.fixture
def poses(tmp_path):
    video = small_annotations((30,))['annotations'][0]
    path = tmp_path / 'clip.npz'
    keys = ('keypoint', 'keypoint_score', 'img_shape')
    np.savez(path, **{key: video[key] for key in keys})
    return path


def drop(page, field, path):
    with page.expect_response(lambda response: '/upload' in response.url):
        page.set_input_files(f'#{field} input[type=file]', str(path))
    page.wait_for_selector(f'#{field} >> text={path.stem}')


def seconds(page):
    return page.eval_on_selector('video', 'video => video.currentTime')


def test_page_segments_a_video_and_its_timeline_moves_it(page, clip, poses, address):
    """From dropping two files to seeking, playing, keys and the CSV."""
    page.click('#run')
    assert 'Drop a video' in page.inner_text('.message.error')
    drop(page, 'video', clip())
    drop(page, 'poses', poses)
    page.click('#run')
    page.wait_for_selector('.track')
    ready = "document.querySelector('video').readyState >= 2"
    page.wait_for_function(ready)
    assert seconds(page) == 0
    # The clip lasts 3 s; its middle is clicked.
    track = page.locator('.track')
    box = track.bounding_box()
    track.click(position={'x': box['width'] / 2, 'y': 20})
    assert seconds(page) == pytest.approx(1.5, abs=0.02)
    assert page.inner_text('.now time').startswith('0:01.5 / 0:03.0')
    assert 'class_' in page.inner_text('.tip')
    cursor = page.locator('.cursor').bounding_box()
    middle = cursor['x'] + cursor['width'] / 2 - box['x']
    assert middle == pytest.approx(box['width'] / 2, abs=4)
    # By the keyboard alone.
    for key, expected in (('Home', 0), ('ArrowRight', 1), ('Shift+ArrowRight', 1.1)):
        page.keyboard.press(key)
        assert seconds(page) == pytest.approx(expected, abs=0.02)
    # A video that plays moves the cursor.
    page.click('.play')
    moved = "parseFloat(document.querySelector('.cursor').style.left) > 60"
    page.wait_for_function(moved)
    with page.expect_download() as download:
        page.click('.files a[download="segments.csv"]')
    rows = list(csv.DictReader(download.value.path().open()))
    assert len(rows) == page.locator('.list tbody tr').count() > 0
    assert page.faults == []
    # Nothing but the page's own server was asked for anything.
    own = (address, 'blob:', 'data:')
    assert [url for url in page.asked if not url.startswith(own)] == []
