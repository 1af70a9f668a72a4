"""A page in Chromium, without a screen, as tests of pages drive it."""

import shutil
from contextlib import contextmanager
from importlib.util import find_spec

import pytest

_CHROMIUM = shutil.which('chromium') or shutil.which('google-chrome')
_FLAGS = [
    '--headless', '--no-sandbox', '--disable-gpu', '--no-first-run',
    '--disable-background-networking',
]  # fmt: skip


def marks(*packages):
    """Return the marks of tests that need a browser and these packages.

    They are not imported to find out, which takes seconds.
    """
    missing = [name for name in (*packages, 'playwright') if find_spec(name) is None]
    missing += ['Chromium'] * (_CHROMIUM is None)
    reason = f'{", ".join(missing)} missing'
    return [pytest.mark.slow, pytest.mark.skipif(bool(missing), reason=reason)]


@contextmanager
def opened(address, selector, **options):
    """Yield the page of an address, once it shows what a selector finds.

    Its ``asked`` are the addresses of its requests, its ``faults`` uncaught errors.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=_CHROMIUM, args=_FLAGS)
        page = browser.new_page(**options)
        page.asked, page.faults = [], []
        page.on('request', lambda request: page.asked.append(request.url))
        page.on('pageerror', lambda error: page.faults.append(str(error)))
        page.goto(address)
        page.wait_for_selector(selector)
        yield page
        browser.close()
