"""JSON as typed classes, and the values that do not fit them."""

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal, TypedDict

import pytest

from mmskelseg_io.files.typed import Id, Name, Rate, called, read_typed, typed
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count, Where
from tests.errors import raises_naming


class Settled(TypedDict):
    take: Literal['mine', 'theirs']
    note: str | None


@dataclass(frozen=True)
class Bout:
    start: int = called('start_frame')
    label: Name | None = None


@dataclass(frozen=True)
class File:
    fps: Rate
    bouts: list[Annotated[Bout, Where('a start from 0', lambda one: one.start >= 0)]]
    rows: list[tuple[int, int] | tuple[int, int, str]] = field(default_factory=list)
    counts: dict[Name, Count] = field(default_factory=dict)
    ids: tuple[Id, ...] = ()
    settled: Settled | None = None
    more: Any = None
    score: float = 0.0


GOOD = {'fps': 10, 'bouts': [{'start_frame': 3}]}


def test_file_comes_back_as_classes_without_other_keys(tmp_path):
    content = {
        'score': None,
        **GOOD, 'rows': [[1, 2], [1, 2, 'a']], 'counts': {'a': 1}, 'ids': [1, 'b'],
        'settled': {'take': 'mine', 'other': 1}, 'more': [{}], 'other': 1,
    }  # fmt: skip
    (tmp_path / 'a.json').write_text(json.dumps(content))
    found = read_typed(tmp_path / 'a.json', File, 'a test', 'write it again')
    assert found == File(
        10, [Bout(3)], [(1, 2), (1, 2, 'a')], {'a': 1}, (1, 'b'),
        {'take': 'mine', 'note': None}, [{}],
    )  # fmt: skip
    assert asdict(found)['bouts'] == [{'start': 3, 'label': None}]


@pytest.mark.parametrize(
    ('change', 'named'),
    [
        ({'fps': math.nan}, 'fps is nan'),
        ({'fps': True}, 'fps is True'),
        ({'fps': 1e300}, 'fps is 1e+300 | frames per second'),
        ({'fps': None}, 'fps is None'),
        ({'bouts': {}}, 'bouts is {} | a list'),
        ({'bouts': [{}]}, 'bouts[0] lacks start_frame'),
        ({'bouts': [3]}, 'bouts[0] is 3'),
        ({'bouts': [{'start_frame': -1}]}, "bouts[0] is {'start_frame': -1} | from 0"),
        ({'bouts': [{'start_frame': 1.5}]}, 'bouts[0].start_frame is 1.5'),
        ({'bouts': [{'start_frame': 1, 'label': '\x07'}]}, 'bouts[0].label | x07'),
        ({'rows': [[1]]}, 'rows[0] is [1] | a list of 2'),
        ({'rows': [[]]}, 'rows[0] is [] | a list of 2'),
        ({'rows': [[1, 'a']]}, "rows[0][1] is 'a' | whole number"),
        ({'counts': {'a': 0}}, 'counts.a is 0 | from 1'),
        ({'counts': {'\ud800': 1}}, 'a key of counts | ud800'),
        ({'ids': [None]}, 'ids[0] is None | a whole number or a string'),
        ({'settled': {'take': []}}, "settled.take is [] | 'mine'"),
        ({'settled': []}, 'settled is []'),
        ({'score': math.inf}, 'score is inf'),
        ({'bouts': json.loads('[' * 500 + ']' * 500)}, 'bouts[0] is [[[['),
        ({'counts': {'a' * 10**5: 'x'}}, "is 'x'"),
    ],
)
def test_value_that_does_not_fit_is_named(change, named):
    with raises_naming(UserError, 'a.json', 'write it again', named) as error:
        typed({**GOOD, **change}, File, 'a.json', 'write it again')
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize('value', [None, [], 'a', 1])
def test_other_content_is_refused_as_a_whole(value):
    with raises_naming(UserError, 'a.json', 'the file is'):
        typed(value, File, 'a.json', 'write it again')
