"""A page in a browser without a screen, as tests of pages drive it.

``python -m tests.browser`` downloads the browser where there is none. With
``MMSKELSEG_TEST_BROWSER=none``, tests find none, as on a machine without one.
"""

import os
import shlex
import shutil
import subprocess
import sys
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec

import pytest

# The system's, by name, and where Google's installers put theirs; else playwright's.
_NAMES = ('chromium', 'chromium-browser', 'google-chrome')
_FLAGS = ['--disable-gpu', '--no-first-run', '--disable-background-networking']
_DOWNLOAD = [sys.executable, '-m', 'playwright', 'install']
_COMMAND = shlex.join([*_DOWNLOAD, '--with-deps', 'chromium'])
MISSING = f'neither Chromium nor Chrome starts; `{_COMMAND}` brings one'
# Seconds that the download may take.
_PATIENCE = 300
# Milliseconds until a page does what it should, on a busy machine.
_WAIT = 120_000


def marks(*packages):
    """Return the marks of tests of pages, which need a browser and these packages.

    They are not imported to find out, which takes seconds.
    """
    missing = [name for name in (*packages, 'playwright') if find_spec(name) is None]
    reason = f'{", ".join(missing)} missing'
    lacking = pytest.mark.skipif(bool(missing), reason=reason)
    return [pytest.mark.page, pytest.mark.slow, lacking]


def is_hidden():
    """Return whether tests shall find no browser."""
    return os.environ.get('MMSKELSEG_TEST_BROWSER') == 'none'


def ways():
    """Yield the options of ways to start a browser."""
    if is_hidden():
        return
    for path in filter(None, map(shutil.which, _NAMES)):
        yield {'executable_path': path}
    yield {'channel': 'chrome'}
    yield {}


# What the blocks that surround this one have found: a browser, or None.
_outer = []


@contextmanager
def launched():
    """Yield a browser that has started, or None; that of a block around this one.

    A name alone does not tell: Ubuntu's `chromium-browser` may only ask for a package.
    """
    from playwright.sync_api import Error, sync_playwright

    if _outer:
        yield _outer[0]
        return
    with sync_playwright() as driver:
        browser = None
        for way in ways():
            with suppress(Error):
                browser = driver.chromium.launch(**way, args=_FLAGS)
                break
        _outer.append(browser)
        try:
            yield browser
        finally:
            _outer.clear()
            if browser is not None:
                browser.close()


@cache
def _starts():
    with launched() as browser:
        return browser is not None


def pytest_runtest_setup(item):
    """Skip tests of pages without a browser, before they make what they would show."""
    if item.get_closest_marker('page') and not _starts():
        pytest.skip(MISSING)


# What resolves once the page shows the changes that keys and clicks have made.
_DRAWN = """() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(done))
)"""


def drawn(page):
    """Wait until the page shows what has changed."""
    page.evaluate(_DRAWN)


@contextmanager
def opened(address, selector, **options):
    """Yield the page of an address, once it shows what a selector finds.

    Its ``asked`` are the addresses of its requests, its ``faults`` uncaught errors.
    What it shows when a test fails is printed.
    """
    with launched() as browser:
        context = browser.new_context(**options)
        context.set_default_timeout(_WAIT)
        page = context.new_page()
        page.asked, page.faults = [], []
        page.on('request', lambda request: page.asked.append(request.url))
        page.on('pageerror', lambda error: page.faults.append(str(error)))
        page.goto(address)
        page.wait_for_selector(selector)
        try:
            yield page
        except BaseException:
            print(page.inner_text('body'))
            raise
        finally:
            context.close()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """Say last that tests of pages were skipped, and what to do."""
    yield
    skipped = terminalreporter.stats.get('skipped', ())
    if any(report.longrepr[2].endswith(MISSING) for report in skipped):
        terminalreporter.write_line(f'Tests of pages were skipped, since {MISSING}')


def _is_there():
    with launched() as browser:
        return browser is not None


def download():
    """Download playwright's Chromium, unless a browser is there; say if it fails."""
    if is_hidden() or _is_there():
        return
    # Without a network, it would try again for minutes.
    env = {'PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT': '5000', **os.environ}
    command = [*_DOWNLOAD, '--only-shell', 'chromium']
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(
            command, env=env, timeout=_PATIENCE, capture_output=True, check=False
        )
    print(f'A browser for tests of pages: {"ready" if _is_there() else MISSING}')


if __name__ == '__main__':
    download()
