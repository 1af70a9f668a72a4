"""How long to train on recordings, and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from mmskelseg.engine.crops import crops_of
from mmskelseg_io.messages.counts import counted, duration
from mmskelseg_io.structures.annotations import VideoAnnotation

#: Longer recordings are cropped to this many frames.
CROP_FRAMES = 600
#: Recordings of a script are cropped to this many frames, the most that a step holds.
SCRIPT_FRAMES = 4800
# A training sees this many frames, within these limits of steps.
_FRAMES = 2_500_000
_STEPS = (600, 1500)
# Where most frames have no label, a model overfits after more epochs than these.
_EPOCHS_OF_FEW = 100
# With at least this part of the steps, two networks score higher than one.
_FOR_TWO = 0.75
# Seconds of training per 1,000 frames, and additional ones per step, on one core of an
# AMD EPYC. One ASFormer takes about as long as three MS-TCN++.
_SECONDS = {'pose3d': 0.1, 'pose2d': 0.1, 'heatmap': 0.17, 'heatmap_cnn': 0.4}
_SECONDS_OF_STEP = 0.03
# GB of memory, and additional ones per 1,000 frames of a step.
_MEMORY, _MEMORY_OF_STEP = 0.7, 0.1


@dataclass(frozen=True)
class Plan:
    """The length of a training, in optimizer steps.

    Attributes:
        epochs: Number of epochs, in each of which crops cover all labels.
        steps: Number of steps, in all epochs.
        frames: Approximate number of frames that these steps see.
        frames_per_step: Number of frames in the longest step, which determines the
            memory.
        members: Number of networks that are trained side by side, whose steps take as
            many times as long.
    """

    epochs: int
    steps: int
    frames: int
    frames_per_step: int
    members: int = 1

    def shortened(self, part: float) -> 'Plan':
        """Return a plan with this part of the steps, at least an epoch.

        If they are too few for two networks, one takes them all.
        """
        members = self.members if part >= _FOR_TWO else 1
        epochs = max(1, round(part * self.epochs * self.members / members))
        steps, frames = (n // self.epochs * epochs for n in (self.steps, self.frames))
        return replace(self, epochs=epochs, steps=steps, frames=frames, members=members)

    def seconds(self, recipe: str) -> float:
        """Return the approximate time of a training with a recipe, on one core."""
        seconds = self.frames / 1000 * _SECONDS[recipe] + self.steps * _SECONDS_OF_STEP
        return self.members * seconds

    def summary(self, recipe: str) -> str:
        """Return the length, time and memory of a training with a recipe, as text."""
        frames = self.members * self.frames_per_step
        memory = _MEMORY + frames / 1000 * _MEMORY_OF_STEP
        time = duration(self.seconds(recipe))
        networks = f' of {self.members} networks' * (self.members > 1)
        return (
            f'{counted(self.steps, "step")}{networks} in '
            f'{counted(self.epochs, "epoch")}, {self.frames / 1e6:.1f} million frames: '
            f'about {time} and {memory:.1f} GB of memory on one core of a CPU.'
        )


def plan_training(
    lengths: Sequence[int],
    batch_size: int,
    epochs: int | None = None,
    *,
    may_be_two: bool = False,
    few_labels: bool = False,
) -> Plan:
    """Return how long to train.

    The frames to see determine the steps, not the number of crops, so that few long
    recordings are trained as long as many short ones.

    Args:
        lengths: Number of frames of each crop of an epoch; see :func:`crop_lengths`.
        batch_size: Number of crops in a step.
        epochs: Number of epochs, if it is given.
        may_be_two: Whether two networks may share the steps, if videos are short, so
            that there are most.
        few_labels: Whether most frames of the recordings have no label.

    >>> plan_training([600] * 140, batch_size=4)
    Plan(epochs=30, steps=1050, frames=2520000, frames_per_step=2400, members=1)
    >>> plan_training([250] * 40, batch_size=2).steps
    1500
    """
    frames, steps = sum(lengths), ceil(len(lengths) / batch_size)
    least, most = _STEPS
    wanted = min(max(_FRAMES * steps / frames, least), most)
    # Both together are better than one that overfits; half of fewer steps are too few.
    members = 2 if may_be_two and wanted == most else 1
    planned = ceil(wanted / steps / members)
    epochs = epochs or (min(planned, _EPOCHS_OF_FEW) if few_labels else planned)
    longest = batch_size * max(lengths)
    return Plan(epochs, epochs * steps, epochs * frames, longest, members)


def crop_lengths(
    videos: Sequence[VideoAnnotation], frames: int, *, joined: bool = False
) -> list[int]:
    """Return the number of frames of each item of an epoch of some recordings.

    Items are crops of so many frames, or, where clips are ``joined``, recordings of
    about as many.
    """
    lengths = [video['total_frames'] for video in videos]
    items = crops_of(videos, frames, frames if joined else None)
    return [frames if joined else min(lengths[i], frames) for i, *_ in items]
