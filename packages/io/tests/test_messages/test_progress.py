"""Bars of long work."""

import io

from mmskelseg_io.messages.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def written(monkeypatch, output, seconds=5.0, **options):
    """Return what 2000 steps write in some seconds."""
    clock = iter(range(10**6))
    monkeypatch.setattr('sys.stderr', output)
    monkeypatch.setattr('tqdm.std.time', lambda: next(clock) * seconds / 2000)
    with progress_bar('Making features', 2000, **options) as count:
        for _ in range(2000):
            count(1)
    return output.getvalue()


def test_bar_says_what_is_done_and_how_far_it_is(monkeypatch):
    text = written(monkeypatch, Terminal())
    assert text.startswith('\rMaking features: ')
    assert 'Making features: 100%' in text
    assert '2000/2000' in text
    assert text.count('\r') >= 4


def test_bar_in_a_log_file_is_updated_rarely(monkeypatch):
    """Every 30 s, and at the end."""
    text = written(monkeypatch, io.StringIO(), seconds=70.0)
    assert '2000/2000' in text
    assert 2 <= text.count('\r') <= 4


def test_work_of_less_than_a_second_writes_nothing(monkeypatch):
    assert written(monkeypatch, Terminal(), seconds=0.5) == ''


def test_bar_that_nobody_is_to_see_writes_nothing(monkeypatch):
    assert written(monkeypatch, Terminal(), show=False) == ''
