"""The page of a report on a fit."""

import json
import re
from html import unescape
from html.parser import HTMLParser
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest

from mmskelseg.automl.page import page
from mmskelseg_behaviour.functional.videos import Video

REPORT = Path(__file__).with_name('report.json').read_text('utf-8')
CLASSES = json.loads(REPORT)['data']['classes']
NUMBERS = ('acc', 'edit', 'f1@10', 'f1@25', 'f1@50')
SCORES = {key: json.loads(REPORT)['videos'][0][key] for key in NUMBERS}


@pytest.fixture
def content():
    """Return what `report.json` has for two videos."""
    return json.loads(REPORT)


def written(content):
    true = np.array([0, 0, 1, 1, -1, 2])
    label = np.array([0, 1, 1, 1, 1, 2])
    videos = {
        row['video']: Video(label, true, np.eye(4)[label].T)
        for row in content['videos']
    }
    return page(content, videos, dict.fromkeys(videos, 2.0), content['data'])


class Reader(HTMLParser):
    """Gathers the text, headings and elements of a page."""

    VOID = ('meta',)

    def __init__(self, html):
        super().__init__()
        self.open, self.names, self.texts, self.attributes = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.names.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if 'style' not in self.open:
            self.texts.append(data)

    @property
    def text(self):
        return re.sub(r'\s+', ' ', ''.join(self.texts))


def test_page_is_the_same_each_time(content):
    assert written(content) == written(content)


def test_page_escapes_all_names(content):
    reader = Reader(written(content))
    assert not reader.open
    assert not {'run', 'rest', '1', 'x', 'time', 'b'} & set(reader.names)
    for text in ('a<b>', 'a<1>', *CLASSES, 'p&1', 'too little <time>', 'twice & again'):
        assert text in reader.text
    assert reader.names.count('style') == 1


def test_page_has_headings_in_order(content):
    levels = [
        int(n[1]) for n in Reader(written(content)).names if re.match('h[1-6]$', n)
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_page_gives_each_class_its_verdict_in_words(content):
    rows = re.findall(r'<tr>.*?</tr>', written(content), re.DOTALL)
    for row in content['classes']:
        own = next(r for r in rows if row['name'] in unescape(r) and 'verdict' in r)
        assert re.findall(r'<td class="verdict">(.*?)</td>', own) == [
            row['counting'],
            row['timing'],
        ]


def test_page_says_what_the_model_is_for(content):
    """The first screen names classes with their errors, and the range for others."""
    text = Reader(written(content)).text
    first = text[: text.index('F1@10 says how')]
    for said in (
        'can be trusted (off by up to 10 % on average): walk & "run" (5 %)',
        'Predicted bouts of h<s> last at least 0.50 s',
        "Counting, off by more than 25 %: it's </style> (120 %)",
        'Too few true bouts to say (fewer than 5): rare (0)',
        'F1@10 will be between 60 and 100 in 95 of 100 cases (mean 80)',
        'F1@10 67 and accuracy 80 % in 1 video',
    ):
        assert said in first


def test_page_says_what_carries_each_class(content):
    text = Reader(written(content)).text
    assert 'segments of test videos' in text
    assert 'walk & "run": no<s>e, 61 %' in text
    content['carriers'] = []
    assert 'What carries' not in Reader(written(content)).text


def test_pictures_are_reached_by_keys_and_say_what_they_show(content):
    """Two recordings, bars, two curves, and the recordings among all."""
    reader = Reader(written(content))
    pictures = [a for _, a in reader.attributes if a.get('role') == 'img']
    assert len(pictures) == 2 + 1 + 2 + 2
    for picture in pictures:
        assert picture['tabindex'] == '0'
        assert picture['aria-label']


def test_timeline_has_a_bar_for_each_run_of_labels(content):
    """Labels 0 0 1 1 and 2, and none for the frame without a label."""
    html = written(content).partition('class="timeline"')[2]
    bars = html.partition('class="axis"')[0].split('class="strip"')
    widths = [re.findall(r'<rect [^>]*width="(\d)"', part) for part in bars]
    assert widths == [['2', '2', '1', '1', '4', '1'], ['1']]


def test_bars_show_found_missed_and_invented_bouts(content):
    """Of 10 true and 9 predicted bouts, F1 is 2 x 8 / 19 if eight are right."""
    content['classes'] = [
        {**content['classes'][0], 'bouts': [10, 9], 'f1': 100 * 16 / 19}
    ]
    html = written(content)
    assert (
        'The model finds 8 of 10 bouts and invents 1 in 2 videos' in Reader(html).text
    )
    bar = html.partition('class="bars"')[2].partition('</figure>')[0]
    assert re.findall(r'width="(\d+)"', bar) == ['8', '2', '1']


def test_page_has_a_timeline_for_each_tier_of_a_video(content):
    """Classes have the numbers of the legend, and scores are those of the tier."""
    data = content['data']
    data |= {'tiers': {'<walk>': ['a', 'b'], 'hand': ['c', 'd']}}
    data |= {'background': {'<walk>': 'b', 'hand': 'c'}}
    data['classes'] = ['<walk>: a', '<walk>: b', 'hand: c', 'hand: d']
    del content['videos'][1:]
    video, interval = content['videos'][0], content['new_person']['f1@10']
    for row in (video, content['scores']['test']):
        row |= {f'hand/{key}': 7.0 for key in row if key in SCORES}
    video |= {f'<walk>/{key}': 9.0 for key in SCORES}
    content['new_person'] |= dict.fromkeys(('<walk>/f1@10', 'hand/f1@10'), interval)
    true, label = np.array([[0, 0, 1, 1], [-1, 1, 1, 1]]), np.array([[0] * 4, [1] * 4])
    predictions = {'a<1>': Video(label, true, np.ones((4, 4)))}
    html = page(content, predictions, {'a<1>': 2.0}, data)
    reader = Reader(html)
    assert not reader.open
    for said in (
        'to tell apart 2 classes and the backgrounds “<walk>: b”, “hand: c” in 2 tiers:'
        ' <walk>, hand.',
        'a<1>, <walk> F1@10 9.0, accuracy 9.0, held out',
        'a<1>, hand F1@10 7.0, accuracy 7.0, held out',
        'F1@10 of each tier: <walk> 60 to 100, hand 60 to 100.',
        'test, hand 7.07.0',
        'test, <walk> --',
    ):
        assert said in reader.text
    hand = html.rpartition('<strong>a&lt;1&gt;, hand')[2].partition('class="axis"')[0]
    assert re.findall('>(hand: .)</t', hand) == ['hand: d'] * 2
    true[1] = -1
    assert 'a&lt;1&gt;, hand' not in page(content, predictions, {'a<1>': 2.0}, data)


def test_page_says_how_often_it_is_right_where_that_is_known(content):
    """Not of the few frames of 0.9, a single bout, which are right by chance."""
    html = written(content)
    said = 'when it says 60 %, it is right in 50 % of frames; ECE 10 %'
    assert f'After, on test videos: {said}' in Reader(html).text
    picture = html.partition('id="how-sure-it-is"')[2].partition('</svg>')[0]
    assert re.findall('<circle.*?<title>(.*?)</t', picture) == ['says 60\xa0%: 50\xa0%']
    assert re.findall('([0-9,]+) frames</t', picture) == ['0', '6', '4']
    content['calibration']['test']['known'] = [False] * 3
    text = Reader(written(content)).text
    nothing = 'After, on test videos: too few bouts or videos to say'
    assert nothing in text
    assert text.count('videos: when it says') == 3


def test_page_needs_neither_network_nor_scripts(content):
    reader = Reader(written(content))
    assert not {'script', 'link', 'img', 'iframe'} & set(reader.names)
    for _, attributes in reader.attributes:
        assert attributes.get('href', '#').startswith('#')
        assert 'src' not in attributes


@pytest.mark.parametrize('key', ['calibration', 'label_curve', 'new_person', 'test'])
def test_page_does_without_what_is_not_known(content, key):
    """A link leads only to a section that is there, and nothing is NaN or None."""
    if key == 'test':
        del content['scores']['test'], content['data']['test']
        del content['calibration']['test'], content['calibration']['test_before']
    else:
        content[key] = {} if key == 'new_person' else None
    reader = Reader(written(content))
    assert not re.search(r'\b(None|nan|Undefined)\b', reader.text)
    ids = {a['id'] for _, a in reader.attributes if 'id' in a}
    assert {a['href'][1:] for _, a in reader.attributes if 'href' in a} <= ids


def test_page_shows_the_model_beside_people(content):
    """Only classes that the model knows are said to be unclear to people."""
    names = ['<ann>', 'bob', 'the model']
    numbers = {'alpha': 0.5, 'why': '', **SCORES}
    content['observers'] = {
        'notes': ['a note on <x>'],
        'pairs': [
            {
                'tier': '',
                'observers': names[:2],
                'recordings': ['a<1>', 'b"2'],
                'persons': 2,
                'seconds': 6.0,
                'agreement': [
                    {'between': list(two), 'kappa': kappa, **numbers}
                    for two, kappa in zip(
                        combinations(names, 2), (0.81, 0.78, 0.754), strict=True
                    )
                ],
                'classes': [
                    {'class': name, 'bouts': bouts, 'kappa': [kappa, 0.5, None]}
                    for name, bouts, kappa in (
                        (CLASSES[1], [5, 4], 0.31),
                        (CLASSES[2], [4, 4], 0.31),
                        (CLASSES[3], [9, 9], 0.4),
                        ('of bob alone', [0, 9], 0.0),
                    )
                ],
                'difference': None,
            }
        ],
    }
    reader = Reader(written(content))
    assert not reader.open
    for said in (
        'Two observers (<ann> and bob) agree to a kappa of 0.81, the model and <ann> '
        'to 0.78, the model and bob to 0.75 (2 recordings, held out from the model). '
        'Whether the model agrees',
        'do not agree with each other (kappa below 0.4): walk & "run" (0.31).',
        'a note on <x>',
        '<ann>, the model 0.78 80.070.0',
    ):
        assert said in reader.text


def test_page_without_any_prediction_says_so(content):
    """A single person, and no test videos."""
    content['data'].pop('test')
    content['data']['persons_known'] = False
    content |= {'scores': {}, 'new_person': {}, 'classes': [], 'videos': []}
    content |= {'doubts': [], 'confusion': []}
    content |= dict.fromkeys(('calibration', 'label_curve'))
    content['candidates'] = content['candidates'][:1]
    content['candidates'][0]['short'] = None
    reader = Reader(written(content))
    assert 'no test videos' in reader.text
    assert 'recording' in reader.text
    assert 'None' not in reader.text
    assert not reader.open


@pytest.mark.parametrize(
    ('scores', 'said'),
    [
        ((80.0, 78.0), 'one was chosen: it has the highest score'),
        ((80.0, 80.5), 'it takes no longer to train than the best, two,'),
    ],
)
def test_page_says_why_a_config_was_chosen(content, scores, said):
    for row, score in zip(content['candidates'], scores, strict=False):
        row['short'] = score
    text = Reader(written(content)).text
    assert said in text
    assert '-2.0 (-3.0 to -1.0), clearly lower' in text


def test_few_persons_never_differ_clearly(content):
    """Two agree by chance in half of the cases, whatever their interval."""
    row = content['candidates'][1]
    row['difference'] |= {'p': 0.5}
    text = Reader(written(content)).text
    assert '-2.0 (-3.0 to -1.0), not clear' in text
    assert 'With fewer than six persons, no difference is clear' in text
    content['data']['persons'] = 6
    assert 'no difference is clear' not in written(content)


def learns_shares(content):
    for row, score in zip(content['candidates'], (80.0, 78.0), strict=False):
        row['short'] = score
    content['candidates'][1]['observers'] = 'shares'


SAID = {
    'for 15 % of their full length; with 25 minutes, ': lambda content: content.update(
        plan={'full': 0.15, 'minutes_in_full': 25}
    ),
    'is not known, since trainings <have> 15 %.': lambda content: content.update(
        label_curve=None, no_label_curve='trainings <have> 15 %'
    ),
    'in short trainings, shares reached 78.0, and what most say 80.0.': learns_shares,
    'They show p&1, as training videos do': lambda content: content['data'].update(
        shared_persons=['p&1']
    ),
    'in which classes follow each other in other orders': lambda content: content[
        'candidates'
    ][0].update(any_order=False),
}


@pytest.mark.parametrize('said', SAID)
def test_page_says_what_holds_of_some_fits(content, said):
    assert said not in Reader(written(content)).text
    SAID[said](content)
    assert said in Reader(written(content)).text
