"""What trainings and tests return."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmskelseg_io.files.typed import read_typed, typed


@dataclass(frozen=True)
class Trained:
    """A training that has ended, and its last checkpoint, if it left one."""

    work_dir: Path
    checkpoint: str | None


@dataclass(frozen=True)
class TestScores:
    """The scores of a test, as in its ``metrics.json``.

    ``scores``, and those of ``members`` of an ensemble, have prefixes.
    """

    scores: dict[str, float]
    per_video: dict[str, dict[str, float]]
    per_class: dict[str, Any] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    confusion: list[list[int]] = field(default_factory=list)
    conventions: dict[str, Any] = field(default_factory=dict)
    members: list[dict[str, Any]] = field(default_factory=list)
    # It is no test of pytest.
    __test__ = False

    @classmethod
    def read(cls, file: Path) -> 'TestScores':
        """Return the content of a file."""
        remedy = 'delete it to test again'
        content = read_typed(file, dict[str, Any], 'mmskelseg', remedy)
        scores = {key: value for key, value in content.items() if '/' in key}
        return typed({**content, 'scores': scores}, cls, file, remedy)

    @property
    def metrics(self) -> dict[str, float]:
        """The scores without prefix, and without deviations."""
        return {
            key.partition('/')[2]: value
            for key, value in self.scores.items()
            if not key.endswith('_std')
        }
