"""The JSON of CalMS21 and MABe: sequences of keypoints and annotations.

CalMS21 has groups, such as ``annotator-id_0``, of sequences by their names; each states
its classes (``metadata.vocab``). MABe has ``sequences`` and one ``vocabulary``. Axes of
keypoints are frame, animal, x and y, and joint, or the last two the other way round.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mmskelseg_io.files.parsing import FilePath, by_name, read_json
from mmskelseg_io.files.typed import typed
from mmskelseg_io.messages.errors import reads_file

#: The frame rate of CalMS21, which its files do not state.
FPS = 30.0
_REMEDY = 'copy the release of CalMS21 or MABe again'
_Vocabulary = dict[str, int] | list[str]


@dataclass(frozen=True)
class _Metadata:
    vocab: _Vocabulary = field(default_factory=dict)


@dataclass(frozen=True)
class Sequence:
    """What a file states of a sequence."""

    keypoints: list[Any] = field(default_factory=list)
    scores: list[Any] = field(default_factory=list)
    annotations: list[Any] = field(default_factory=list)
    metadata: _Metadata = _Metadata()


@dataclass(frozen=True)
class _Mabe:
    sequences: dict[str, Sequence]
    vocabulary: _Vocabulary = field(default_factory=dict)


class LabSequence(NamedTuple):
    """A sequence: its place for messages, what it has, and names of its classes by id.

    ``fps`` is None where the release has several rates.
    """

    place: str
    content: Sequence
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
def read_sequences(path: FilePath) -> dict[str, LabSequence]:
    """Return the sequences of a file by their names, without the path before these."""
    content = read_json(path, 'CalMS21 or MABe', unique=True)
    return by_name(_recordings(content, str(path)), str(path), 'sequences')


def _recordings(content: Any, path: str) -> Iterator[tuple[str, LabSequence]]:
    if isinstance(content, dict) and 'sequences' in content:
        mabe = typed(content, _Mabe, path, _REMEDY)
        classes = _classes(mabe.vocabulary)
        for name, one in mabe.sequences.items():
            yield name, LabSequence(f'{path}: {name}', one, classes, None)
        return
    groups = typed(content, dict[str, dict[str, Sequence]], path, _REMEDY)
    for group in groups.values():
        for name, one in group.items():
            classes = _classes(one.metadata.vocab)
            recording = LabSequence(f'{path}: {name}', one, classes, FPS)
            yield name.rpartition('/')[2], recording


def _classes(vocabulary: _Vocabulary) -> dict[int, str]:
    if isinstance(vocabulary, list):
        return dict(enumerate(vocabulary))
    return {number: name for name, number in vocabulary.items()}
