"""Makes the pictures of README and docs, of the real pages in Chromium.

python -m docs.pictures FOLDER [NAME...] [--release DIR] [--mice DIR]

FOLDER keeps data and models, which take twenty minutes at first. ``--release`` is the
folder of UW-IOM's release, ``--mice`` that of ETHOME's example files (MIT licence);
without them, their pictures stay as they are.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from mmskelseg_io.files.annotations import load_annotations, save_annotations
from tests.browser import drawn, launched, opened

IMAGES = Path(__file__).parent / 'images'
PICTURES: dict[str, Callable[['Studies'], bytes]] = {}
# Of a page of a report, and of the studio.
_SHEET = {'width': 1000, 'height': 760}
_SCREEN = {'width': 1280, 'height': 720}
_TOURED = "localStorage.setItem('toured', 'true')"
# Milliseconds that a training may take.
_PATIENCE = 900_000
# What the picture of somebody who labels begins with.
_TYPED = f'Home 2 Shift+ArrowRight 1{20 * " ArrowRight"} 7 Shift+ArrowRight'
_MOUSE = {
    'joints': ['nose', 'leftear', 'rightear', 'neck', 'lefthip', 'righthip', 'tail'],
    'limbs': [[0, 1], [0, 2], [1, 3], [2, 3], [3, 4], [3, 5], [4, 6], [5, 6]],
}
# Of the GIF: the recording, frames between its pictures, colours.
_MOVING, _STEP, _COLORS = 'Seq5_09', 3, 128


class Studies:
    """What the pictures are of, in a folder; each is made once."""

    def __init__(self, folder: Path, release: Path | None, mice: Path | None) -> None:
        self.folder, self.release, self.mice = folder, release, mice

    def run(self, out: str, *words: str) -> Path:
        """Run a command that writes a file or a folder, unless it is there."""
        path = self.folder / out
        if not path.exists():
            command = [sys.executable, '-m', 'mmskelseg', *words]
            quiet = subprocess.DEVNULL
            subprocess.run(
                command, cwd=self.folder, check=True, stdout=quiet, stderr=quiet
            )
        return path

    def data(self) -> str:
        """Return PRECOG-16."""
        self.run('data', 'convert', 'precog', 'data', '--layout', 'body12')
        return 'data/annotations.pkl'

    def part(self, folder: str, names: list[str], bare: list[str]) -> str:
        """Return a folder with recordings of PRECOG-16, some without labels."""
        path = self.folder / folder / 'annotations.pkl'
        if not path.exists():
            data = load_annotations(self.folder / self.data())
            kept = [one for one in data['annotations'] if one['frame_dir'] in names]
            for one in kept:
                if one['frame_dir'] in bare:
                    one['label'] = 0 * one['label'] - 1
            data |= {'annotations': kept, 'split': {'train': names}}
            save_annotations(data, path)
        return folder

    @contextmanager
    def studio(self, folder: str, theme: str, *words: str) -> Iterator[Any]:
        """Yield the page of a folder in this theme."""
        command = [sys.executable, '-m', 'mmskelseg', 'studio', folder, '--no-browser']
        process = subprocess.Popen(
            [*command, *words], cwd=self.folder, stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if 'The page is at' in line)
            options = {'viewport': _SCREEN, 'color_scheme': theme}
            with opened(line.split()[-1], 'body', **options) as page:
                page.evaluate(_TOURED)
                page.reload()
                page.locator('#timeline').focus()
                # They name the folder of this machine.
                for notes in page.locator('summary', has_text='Notes').all():
                    notes.click()
                page.locator('#timeline').focus()
                yield page
        finally:
            process.terminate()
            process.wait()

    @contextmanager
    def trained(self, theme: str) -> Iterator[Any]:
        """Yield the studio of a folder with a model, a copy of which may be changed."""
        names = [f'Seq{1 + i % 6}_{i + 2:02}' for i in range(10)]
        with self.studio(self.part('mine', names, names[1::2]), theme) as page:
            done = page.get_by_text('The model learnt from')
            page.wait_for_timeout(2000)
            if not done.count():
                page.get_by_label('Minutes').fill('4')
                page.get_by_role('button', name='Train').click()
            done.wait_for(timeout=_PATIENCE)
            preview = page.get_by_text('Preview: predictions')
            preview.wait_for(state='hidden', timeout=_PATIENCE)
            page.get_by_role('link', name='Report of the model').wait_for()
        copy = self.folder / 'copy' / 'mine'
        shutil.rmtree(copy.parent, ignore_errors=True)
        shutil.copytree(self.folder / 'mine', copy)
        with self.studio('copy/mine', theme) as page:
            page.get_by_text('Uncertain segments:').wait_for()
            yield page

    def uwiom(self, name: str, *words: str) -> str:
        """Return UW-IOM, in a folder of this name."""
        if self.release is None:
            raise MissingError('--release')
        words = str(self.release), name, '--test', '04,05', *words
        self.run(name, 'convert', 'uwiom', *words)
        return f'{name}/annotations.pkl'


class MissingError(Exception):
    """Raised where a picture needs data that are not named."""


def without_panels(page: Any, height: int = 600) -> dict[str, float]:
    """Fold the panels of the studio; return where picture and timeline are."""
    for side in ('List of recordings', 'Panels'):
        page.get_by_role('button', name=side).click()
    page.set_viewport_size({'width': 900, 'height': height})
    page.locator('#timeline').focus()
    page.keyboard.press('Home')
    top, low = (page.locator(x).bounding_box() for x in ('.picture', '.timeline'))
    return {**top, 'height': low['y'] + low['height'] - top['y']}


def picture(name: str) -> Callable[[Callable], Callable]:
    """Return a decorator: the function makes the picture of this name."""

    def registered(make: Callable[[Studies], bytes]) -> Callable:
        PICTURES[name] = make
        return make

    return registered


def sheet(path: Path, theme: str = 'light', selector: str = '') -> bytes:
    """Return the first screen of a page, or what it has from an element on."""
    options = {'viewport': _SHEET, 'color_scheme': theme}
    with opened(path.as_uri(), 'h1', **options) as page:
        if selector:
            page.locator(selector).first.evaluate('one => one.scrollIntoView()')
        return page.screenshot()


@picture('fit_report.png')
def _report(studies: Studies, theme: str = 'light') -> bytes:
    words = 'fit', studies.data(), '--out', 'model'
    return sheet(studies.run('model/report.html', *words), theme)


@picture('fit_report_dark.png')
def _dark_report(studies: Studies) -> bytes:
    return _report(studies, 'dark')


@picture('browse.png')
def _browse(studies: Studies) -> bytes:
    words = '--out', 'browse', '--first', '4'
    return sheet(studies.run('browse/index.html', 'browse', studies.data(), *words))


@picture('bouts.png')
def _bouts(studies: Studies) -> bytes:
    words = 'bouts', studies.data(), '--out', 'bouts'
    return sheet(studies.run('bouts/bouts.html', *words), selector='#transitions')


@picture('agreement.png')
def _agreement(studies: Studies) -> bytes:
    data = studies.data()
    words = 'segment', data, 'precog', '--split', 'test', '--formats', 'json'
    studies.run('found', *words, '--out', 'found')
    named = 'agree', data, 'found', '--names', 'person', 'model', '--out', 'agree'
    return sheet(studies.run('agree/agreement.html', *named), selector='#who-says-what')


@picture('studio_label.png')
def _label(studies: Studies) -> bytes:
    """Somebody labels a recording of which the model has predictions."""
    with studies.trained('dark') as page:
        for _ in range(3):
            page.keyboard.press('n')
        page.locator('[aria-current=true]', has_text='Seq2_09').wait_for()
        for key in _TYPED.split():
            page.keyboard.press(key)
        page.wait_for_timeout(1000)
        return page.screenshot()


@picture('studio_correct.png')
def _correct(studies: Studies) -> bytes:
    with studies.trained('light') as page:
        page.keyboard.press('Tab')
        page.get_by_text('To check').wait_for()
        page.wait_for_timeout(1000)
        return page.screenshot()


@picture('studio_mice.png')
def _mice(studies: Studies) -> bytes:
    """Two mice, of DeepLabCut, and what an observer coded in BORIS."""
    if studies.mice is None:
        raise MissingError('--mice')
    folder = studies.folder / 'mice'
    folder.mkdir(exist_ok=True)
    for file in studies.mice.glob('e3v813a-20210610T122332*'):
        shutil.copy(file, folder)
    (folder / 'mouse.json').write_text(json.dumps(_MOUSE))
    words = '--fps', '30', '--person', 'each', '--skeleton', 'mice/mouse.json'
    with studies.studio('mice', 'dark', *words) as page:
        clip = without_panels(page, 1000)
        for _ in range(32):
            page.keyboard.press('Shift+ArrowRight')
        page.wait_for_timeout(1000)
        return page.screenshot(clip=clip)


@picture('risk_moments.png')
def _risk(studies: Studies) -> bytes:
    words = 'bouts', studies.uwiom('uwiom'), '--risk', '--out', 'risk'
    return studies.run('risk/risk.png', *words).read_bytes()


@picture('tiers_timeline.png')
def _tiers(studies: Studies) -> bytes:
    data = studies.uwiom('tiers', '--tiers')
    words = 'browse', data, '--first', '1', '--out', 'tiers/browse'
    page = studies.run('tiers/browse/index.html', *words)
    return sheet(page, selector='#labels')


@picture('precog.gif')
def _moving(studies: Studies) -> bytes:
    """A recording plays in the studio, with what a model of the package finds."""
    folder, frames = studies.part('new', [_MOVING], [_MOVING]), []
    with studies.studio(folder, 'dark', '--model', 'precog') as page:
        page.get_by_text('Uncertain segments:').wait_for()
        clip = without_panels(page)
        for _ in range(0, 315, _STEP):
            drawn(page)
            frames.append(
                Image.open(BytesIO(page.screenshot(clip=clip))).convert('RGB')
            )
            for _ in range(_STEP):
                page.keyboard.press('ArrowRight')
    # Half of the colours are those of classes, whose areas are small.
    middle = frames[len(frames) // 2]
    band = middle.crop((0, middle.height - 40, *middle.size))
    colors = Image.new('P', (1, 1))
    parts = (part.quantize(_COLORS // 2).getpalette() or [] for part in (middle, band))
    colors.putpalette([value for part in parts for value in part[: 3 * _COLORS // 2]])
    first, *more = [
        one.quantize(palette=colors, dither=Image.Dither.NONE) for one in frames
    ]
    content, duration = BytesIO(), 1000 * _STEP // 30
    first.save(content, 'GIF', append_images=more, save_all=True, loop=0,
               duration=duration, optimize=True)  # fmt: skip
    return content.getvalue()


def main() -> None:
    """Make the pictures that the command line names, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').partition('\n')[0])
    parser.add_argument('folder', type=Path)
    parser.add_argument('names', nargs='*', choices=[[], *PICTURES])
    parser.add_argument('--release', type=Path)
    parser.add_argument('--mice', type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    studies = Studies(given.folder.resolve(), given.release, given.mice)
    with launched():
        for name in given.names or PICTURES:
            try:
                (IMAGES / name).write_bytes(PICTURES[name](studies))
            except MissingError as missing:
                print(f'{name} needs {missing}')
                continue
            print(f'{name}: {(IMAGES / name).stat().st_size // 1000} kB', flush=True)


if __name__ == '__main__':
    main()
