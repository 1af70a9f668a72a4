"""Reports in a browser: nothing overflows, is clipped, pale, or asked of a network."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from mmskelseg.automl.page import page as fit_page
from mmskelseg.commands.browse import main as browse
from mmskelseg_behaviour.commands.agree import main as agree
from mmskelseg_behaviour.commands.bouts import main as bouts
from mmskelseg_behaviour.functional.videos import Video
from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_runtime.commands.explain import _names, _page
from mmskelseg_runtime.segmenting.explaining import Weight
from tests.browser import marks, opened
from tests.small_data import small_annotations

pytestmark = marks()
REPORT = Path(__file__).parent / 'test_automl' / 'report.json'
LABELS = 'video,start,end,label\n' + ''.join(
    f'mouse number {k},{t},{t + 9},{name}\n'
    for k in range(6)
    for t, name in zip(
        range(k, 90, 10), ('walk', 'groom', 'sniff the other animal') * 3, strict=False
    )
)
# What is wrong with a page: elements beyond its edges but for those that scroll, names
# that lie over each other or leave their bars, and text of too little contrast.
FAULTS = """() => {
  const found = [], width = document.documentElement.clientWidth
  const box = (element) => element.getBoundingClientRect()
  const called = (e) => `${e.tagName} ${e.textContent.trim().slice(0, 40)}`
  for (const e of document.querySelectorAll('body *')) {
    const { left, right } = box(e)
    const scrolls = right === left || e.closest('.wide, pre, title')
    if (!scrolls && (left < -1 || right > width + 1))
      found.push(`beyond the edge: ${called(e)} ${left} to ${right}`)
  }
  for (const row of document.querySelectorAll('.bar, .axis, .plot')) {
    const names = [...row.querySelectorAll(':scope > text, :scope > svg > text')]
      .map((text) => [text, box(text)]).filter(([, one]) => one.width)
    names.forEach(([text, one], i) => {
      const beside = names.slice(i + 1).filter(([, other]) =>
        one.left < other.right && other.left < one.right &&
        one.top < other.bottom - 2 && other.top < one.bottom - 2)
      for (const [other] of beside) found.push(`over ${called(other)}: ${called(text)}`)
    })
  }
  const parts = (color) => {
    const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number)
    return [[r, g, b].map((v) => (color.startsWith('color') ? 255 * v : v)), a]
  }
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const ground = (e) => {
    if (!e) return [255, 255, 255]
    const [own, alpha] = parts(getComputedStyle(e).backgroundColor)
    if (alpha === 1) return own
    const below = ground(e.parentElement)
    return own.map((v, i) => alpha * v + (1 - alpha) * below[i])
  }
  for (const e of document.querySelectorAll('body *:not(.bar text, title)')) {
    const is_text = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())
    if (!is_text) continue
    const style = getComputedStyle(e)
    const ink = parts(e.tagName === 'text' ? style.fill : style.color)[0]
    const [high, low] = [light(ink), light(ground(e))].sort((a, b) => b - a)
    const ratio = (high + 0.05) / (low + 0.05)
    if (ratio < 4.5) found.push(`contrast ${ratio.toFixed(2)}: ${called(e)}`)
  }
  return found
}"""
FOLD = """(open) =>
  document.querySelectorAll('details').forEach((one) => (one.open = open))"""


def fit(folder):
    content = json.loads(REPORT.read_text('utf-8'))
    true = np.array([0, 0, 1, 1, -1, 2]).repeat(40)
    label = np.array([0, 1, 1, 1, 1, 2]).repeat(40)
    one = Video(label, true, np.eye(4)[label].T)
    videos = {row['video']: one for row in content['videos']}
    meta = {'skeleton': 'coco17', **content['data']}
    entries = small_annotations([240] * len(videos))['annotations']
    for name, entry in zip(videos, entries, strict=True):
        entry |= {'frame_dir': name, 'fps': 20.0}
    html = fit_page(content, videos, dict.fromkeys(videos, 20.0), meta, entries)
    (folder / 'page.html').write_text(html)
    return folder / 'page.html'


def agreement(folder):
    (folder / 'ann.csv').write_text(LABELS)
    (folder / 'bob.csv').write_text(LABELS.replace('groom', 'walk', 5))
    observers = [str(folder / f'{who}.csv') for who in ('ann', 'bob')]
    agree([*observers, '--out', str(folder / 'out')])
    return folder / 'out/agreement.html'


def behaviour(folder):
    (folder / 'a.csv').write_text(LABELS)
    rows = (f'mouse number {k},{"saline" if k % 2 else "drug"}\n' for k in range(6))
    (folder / 'groups.csv').write_text('video,group\n' + ''.join(rows))
    words = ['a.csv', '--groups', 'groups.csv', '--out', 'out']
    bouts([w if w.startswith('--') else str(folder / w) for w in words])
    return folder / 'out/bouts.html'


def data_set(folder):
    save_annotations(small_annotations([60, 45]), folder / 'a.pkl')
    browse([str(folder / 'a.pkl'), '--out', str(folder / 'out'), '--first', '1'])
    return folder / 'out/index.html'


def reasons(folder):
    spots = [
        {'x': 200.0 + k, 'y': 100.0 + k, 'r': 6, 'above': k < 3, 'title': 'a joint',
         'name': f'joint {k}'}
        for k in range(5)
    ]  # fmt: skip
    weight = Weight('joint 0', 'joint', 0.5, 0.2, 0.1, True)
    picture = {'circles': spots, 'lines': [(0, 0, 9, 9)], 'names': _names(spots)}
    one = {'name': 'walk', 'segments': 3, 'weights': [weight], 'words': 'joint 0, 50 %'}
    one |= {**picture, 'width': 440, 'height': 260}
    html = _page(model='m', never='', recordings=2, window=2.0, classes=[one])
    (folder / 'page.html').write_text(html)
    return folder / 'page.html'


@pytest.mark.parametrize('make', [fit, agreement, behaviour, data_set, reasons])
def test_page_fits_is_legible_and_needs_no_network(make, tmp_path):
    """At each width and in both themes, with all that is folded open and closed."""
    file = make(tmp_path)
    with opened(file.as_uri(), 'h1') as page:
        for width, theme in product((360, 400, 800, 1280, 1600), ('light', 'dark')):
            page.set_viewport_size({'width': width, 'height': 800})
            page.emulate_media(color_scheme=theme)
            for is_open in (False, True):
                page.evaluate(FOLD, is_open)
                assert page.evaluate(FAULTS) == [], (width, theme, is_open)
        assert page.faults == []
        assert all(url.startswith('file:') for url in page.asked)
