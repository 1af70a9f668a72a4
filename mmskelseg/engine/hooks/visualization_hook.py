"""Timelines of test videos."""

import os
from collections.abc import Sequence
from pathlib import Path

from mmaction.structures import ActionDataSample
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmskelseg.engine.seg_visualizer import SegVisualizer
from mmskelseg.registry import HOOKS
from mmskelseg_io.files.names import file_name
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count, Factor, Positive


@HOOKS.register_module()
class SegVisualizationHook(Hook):
    """A hook that draws the timelines of test videos (Fig. 5), each as a PNG file.

    The arguments are those that MMAction2's ``tools/test.py`` sets. Nothing is drawn
    for the validation during training.

    Args:
        enable: Whether to draw timelines.
        interval: Draw every n-th video.
        show: Whether to show each timeline in a window as well.
        wait_time: Seconds until the window closes; 0 waits for a key.
        out_dir: Folder of the timelines, by default ``timelines`` in the work folder.
        line_minutes: Minutes per line of a timeline; see
            :func:`mmskelseg_runtime.drawing.timelines.draw_timelines`.
    """

    def __init__(
        self,
        enable: bool = True,
        interval: Count = 1,
        *,
        show: bool = False,
        wait_time: Factor = 0,
        out_dir: str | os.PathLike | None = None,
        line_minutes: Positive | None = None,
    ) -> None:
        self.enable = enable
        self.interval = interval
        self.show = show
        self.wait_time = wait_time
        self.out_dir = out_dir
        self.line_minutes = line_minutes

    def before_test(self, runner: Runner) -> None:
        """Set the visualizer's metainfo, for the names of the classes.

        Raises:
            UserError: If the visualizer is another than ``SegVisualizer``.
        """
        if not self.enable:
            return
        if not isinstance(runner.visualizer, SegVisualizer):
            raise UserError(
                f'The visualizer is {type(runner.visualizer).__name__}, but '
                'SegVisualizationHook needs SegVisualizer; set '
                "visualizer=dict(type='SegVisualizer') in the config."
            )
        dataset = runner.test_dataloader.dataset
        runner.visualizer.dataset_meta = getattr(dataset, 'metainfo', None)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: object = None,
        outputs: Sequence[ActionDataSample] | None = None,
    ) -> None:
        """Draw every n-th video, if it is in the batch."""
        if not self.enable:
            return
        samples = outputs or []
        batch_size = runner.test_dataloader.batch_size or len(samples)
        for index, sample in enumerate(samples, start=batch_idx * batch_size):
            if index % self.interval == 0:
                frame_dir = sample.get('frame_dir')
                runner.visualizer.add_datasample(
                    frame_dir,
                    sample,
                    show=self.show,
                    wait_time=self.wait_time,
                    line_minutes=self.line_minutes,
                    out_file=self._folder(runner) / f'{file_name(frame_dir)}.png',
                )

    def after_test_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Log the folder of the timelines."""
        if self.enable:
            runner.logger.info(f'Timelines of the test videos: {self._folder(runner)}')

    def _folder(self, runner: Runner) -> Path:
        return Path(self.out_dir or Path(runner.work_dir, 'timelines'))
