"""The JSON of CalMS21 and MABe: sequences of keypoints and annotations.

CalMS21 has groups, such as ``annotator-id_0``, of sequences by their names; each states
its classes (``metadata.vocab``). MABe has ``sequences`` and one ``vocabulary``. Axes of
keypoints are frame, animal, x and y, and joint, or the last two the other way round.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from mmskelseg_io.files.parsing import FilePath, by_name, check_shape, read_json
from mmskelseg_io.messages.errors import reads_file

#: The frame rate of CalMS21, which its files do not state.
FPS = 30.0
_SEQUENCE = {
    'keypoints?': list,
    'scores?': list,
    'annotations?': list,
    'metadata?': {'vocab?': dict},
}
_MABE = {'sequences': {...: _SEQUENCE}, 'vocabulary?': (dict, list)}
_REMEDY = 'copy the release of CalMS21 or MABe again'


class Recording(NamedTuple):
    """A sequence: its place for messages, what it has, and names of its classes by id.

    ``fps`` is None where the release has several rates.
    """

    place: str
    content: dict[str, Any]
    classes: dict[int, str]
    fps: float | None


def is_calms21(content: object) -> bool:
    """Return whether a JSON file has sequences of CalMS21 or MABe."""
    if not isinstance(content, dict) or not content:
        return False
    if isinstance(content.get('sequences'), dict):
        return True
    group = next(iter(content.values()))
    one = next(iter(group.values()), None) if isinstance(group, dict) else None
    return isinstance(one, dict) and {'keypoints', 'annotations'} & one.keys() != set()


@reads_file
def read_recordings(path: FilePath) -> dict[str, Recording]:
    """Return the sequences of a file by their names, without the path before these."""
    content = read_json(path, 'CalMS21 or MABe', unique=True)
    return by_name(_recordings(content, str(path)), str(path), 'sequences')


def _recordings(content: Any, path: str) -> Iterator[tuple[str, Recording]]:
    if isinstance(content, dict) and 'sequences' in content:
        check_shape(content, _MABE, path, _REMEDY)
        classes = _classes(content.get('vocabulary') or {}, path)
        for name, one in content['sequences'].items():
            yield name, Recording(f'{path}: {name}', one, classes, None)
        return
    check_shape(content, {...: {...: _SEQUENCE}}, path, _REMEDY)
    for group in content.values():
        for name, one in group.items():
            vocabulary = (one.get('metadata') or {}).get('vocab') or {}
            place = f'{path}: {name}'
            classes = _classes(vocabulary, place)
            yield name.rpartition('/')[2], Recording(place, one, classes, FPS)


def _classes(vocabulary: dict[str, Any] | list[Any], place: str) -> dict[int, str]:
    if isinstance(vocabulary, list):
        check_shape(vocabulary, [str], f'{place}: vocabulary', _REMEDY)
        return dict(enumerate(vocabulary))
    check_shape(vocabulary, {...: int}, f'{place}: vocabulary', _REMEDY)
    return {number: name for name, number in vocabulary.items()}
