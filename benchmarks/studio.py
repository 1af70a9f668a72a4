"""The studio's page on a long recording: opening, saving, seeking, scrolling.

Makes a video of --minutes with poses, labelled in --segments, opens it in Chromium, and
measures how long it takes to open the folder and the recording, to seek to random
frames of the video until the frame is shown, and how many times a second the timeline
is drawn while it scrolls; all but the video also for --scrolled segments, of which
--changes are made and saved. It needs playwright, Chromium and the extra `app`.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from mmskelseg_io.files.video import written_video
from mmskelseg_io.labels import Segment, VideoSegments, write_csv_segments
from mmskelseg_io.messages.tables import text_table

FPS, HEIGHT, WIDTH = 25, 480, 640
SEEKS, SAVES = 30, 100
# Shows a frame, and returns how many milliseconds that took.
SEEK = """time => new Promise(done => {
  const video = document.querySelector('video')
  const begin = performance.now()
  video.requestVideoFrameCallback(() => done(performance.now() - begin))
  video.currentTime = time
})"""
# Turns the wheel in each picture for two seconds; returns the times of the pictures.
SCROLL = """() => new Promise(done => {
  const canvas = document.querySelector('#timeline canvas')
  const box = canvas.getBoundingClientRect()
  const times = []
  const turn = now => {
    times.push(now)
    if (now - times[0] > 2000) return done(times)
    canvas.dispatchEvent(new WheelEvent('wheel', {
      deltaX: 12, clientX: box.x + 200, clientY: box.y + 100, cancelable: true,
    }))
    requestAnimationFrame(turn)
  }
  requestAnimationFrame(turn)
})"""


def run(args: argparse.Namespace) -> None:
    """Print a line for each measure."""
    rows = [['the studio in Chromium', 'median', 'worst']]
    with TemporaryDirectory() as name:
        folder = Path(name)
        make(folder / 'long', args.minutes, args.segments, video=True)
        make(folder / 'many', args.minutes, args.scrolled, video=False)
        for part in ('long', 'many'):
            begin = time.perf_counter()
            with served(folder / part) as address, opened(address) as page:
                seconds = time.perf_counter() - begin
                page.wait_for_selector('#timeline')
                rows.append([f'open the folder `{part}`, s', f'{seconds:.1f}', ''])
                if part == 'long':
                    rows.append(measured('seek in the video, ms', seeks(page)))
                else:
                    found = saves(page, address, args)
                    for name, times in (
                        ('first', found[:SAVES]),
                        ('last', found[-SAVES:]),
                    ):
                        row = f'save a change, the {name} {SAVES} of {len(found)}, ms'
                        rows.append(measured(row, times))
                rows.append(measured('picture of the timeline, ms', scrolled(page)))
    print(*text_table(rows), sep='\n')


def measured(name: str, values: list[float]) -> list[str]:
    return [name, f'{statistics.median(values):.1f}', f'{max(values):.1f}']


def make(folder: Path, minutes: int, segments: int, *, video: bool) -> None:
    """Make a recording of somebody who walks to and fro, with labels."""
    frames = minutes * 60 * FPS
    folder.mkdir()
    rng = np.random.default_rng(0)
    path = 320 + 200 * np.sin(np.arange(frames) / 80)
    joints = rng.normal(0, 40, (1, 1, 17, 2)) + rng.normal(0, 1, (1, frames, 17, 2))
    joints = joints + np.stack([path, np.full(frames, 240)], axis=-1)[None, :, None]
    score = np.ones((1, frames, 17), np.float32)
    np.savez(
        folder / 'take.npz',
        keypoint=joints.astype(np.float32),
        keypoint_score=score,
        fps=FPS,
        img_shape=(HEIGHT, WIDTH),
    )
    edges = np.linspace(0, frames / FPS, segments + 1).tolist()
    labels = [Segment(a, b, 'abcde'[i % 5]) for i, (a, b) in enumerate(pairwise(edges))]
    write_csv_segments(folder / 'take.csv', [VideoSegments('take', labels)])
    if video:
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        image[..., 1] = np.linspace(0, 200, WIDTH)
        with written_video(folder / 'take.mp4', FPS, (HEIGHT, WIDTH), 'avc1') as put:
            for x in path.astype(int).tolist():
                frame = image.copy()
                frame[200:280, x - 40 : x + 40] = 255
                put(frame)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Yield the address of the page of a folder."""
    words = [sys.executable, '-m', 'mmskelseg', 'studio', str(folder), '--no-browser']
    server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield next(line for line in server.stdout if 'http' in line).split()[-1]
    finally:
        server.terminate()
        server.wait()


@contextmanager
def opened(address: str) -> Iterator[Any]:
    """Yield a page of the browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which('chromium'), args=['--no-sandbox']
        )
        page = browser.new_page(viewport={'width': 1280, 'height': 800})
        page.goto(address)
        yield page
        browser.close()


def seeks(page: Any) -> list[float]:
    page.wait_for_function('() => document.querySelector("video")?.readyState >= 2')
    length = page.evaluate('() => document.querySelector("video").duration')
    times = np.random.default_rng(1).uniform(0, length - 1, SEEKS).tolist()
    return [page.evaluate(SEEK, when) for when in times]


def saves(page: Any, address: str, args: argparse.Namespace) -> list[float]:
    """Return how long the server takes to save changes of labels at random places."""
    found = []
    starts = np.random.default_rng(2).integers(
        0, args.minutes * 60 * FPS - 40, args.changes
    )
    for i, start in enumerate(starts.tolist()):
        segments = [[start, start + 40, i % 5]]
        body = {'tier': 0, 'start': start, 'end': start + 40, 'segments': segments}
        begin = time.perf_counter()
        answer = page.request.post(
            f'{address}api/recordings/0/labels',
            data={**body, 'revision': i},
            max_retries=3,
        )
        found.append(1000 * (time.perf_counter() - begin))
        assert answer.ok, answer.text()
    return found


def scrolled(page: Any) -> list[float]:
    times = page.evaluate(SCROLL)
    return np.diff(times).tolist()
