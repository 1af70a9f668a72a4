import warnings

import numpy as np
import pytest
from matplotlib.font_manager import findfont, get_font

from mmskelseg_runtime.drawing import fonts
from mmskelseg_runtime.drawing.fonts import font_families, font_file
from mmskelseg_runtime.drawing.frames import write_text
from mmskelseg_runtime.drawing.timelines import draw_timelines

# DejaVu Sans lacks it. Of matplotlib's own fonts, STIX has it.
CIRCLED = '\N{CIRCLED LATIN CAPITAL LETTER A}'
# No font has a sign for it.
NOTHING = '\U0003fffd'


@pytest.mark.parametrize('text', ['', 'walk', 'gehe über\t', 'шаг\n'])
def test_one_font_suffices_for_most_texts(text):
    """It is that of matplotlib, so that pictures are the same on every machine."""
    assert font_families(text) == ['DejaVu Sans']
    assert font_file(text) == findfont('DejaVu Sans')


def test_signs_are_found_in_other_fonts():
    """Letters stay in the first font; a second font has the missing sign."""
    first, second = font_families(f'walk {CIRCLED}')
    assert first == 'DejaVu Sans'
    for file in (findfont(second), font_file(f'walk {CIRCLED}')):
        assert get_font(file).get_char_index(ord(CIRCLED))


def test_signs_that_no_font_has_change_nothing(monkeypatch):
    """Also where no other font is installed."""
    assert font_families(f'{CIRCLED}{NOTHING}') == font_families(CIRCLED)
    monkeypatch.setattr(fonts, '_fonts', list)
    fonts._further.cache_clear()
    assert font_families(f'{CIRCLED}') == ['DejaVu Sans']
    fonts._further.cache_clear()


def test_pictures_show_signs_of_other_fonts():
    """matplotlib warns of signs that a font lacks; the legend has the class names."""
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        draw_timelines({f'{CIRCLED}1': np.zeros(9, int)}, [f'{CIRCLED} walk'])
    panels = []
    for text in (CIRCLED, NOTHING):
        panel = np.zeros((40, 40, 3), np.uint8)
        write_text(panel, text, 20, 4)
        panels.append(panel)
    assert panels[0].any()
    assert not np.array_equal(*panels)
