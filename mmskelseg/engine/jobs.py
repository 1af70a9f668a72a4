"""The jobs of a config: writing it, making its features, training and testing."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mmskelseg.engine.results import TestScores, Trained
from mmskelseg_io.jobs.command_line import (
    number_from,
    pickle_name,
    seed,
    whole,
    whole_from,
)
from mmskelseg_io.jobs.job import Job, Result
from mmskelseg_io.messages.options import Count, argument, option

if TYPE_CHECKING:
    from mmengine.config import Config
else:
    # Not imported, since --help should not wait for it.
    Config = Any


@dataclass(frozen=True, kw_only=True)
class ConfigJob(Job[Result]):
    """A job with a config, and the options that MMAction2's scripts share.

    The config may also be an object, whose file is only a name for it.
    """

    config: str | Config = argument('config file, or its name', metavar='CONFIG')
    work_dir: str | None = option('folder for logs, checkpoints and scores', None)
    cfg_options: Mapping[str, object] | None = option(
        'settings that override those of the config, as key=value, for example '
        'train_cfg.max_epochs=10 model.num_classes=5 or key="[(a,b),(c,d)]"',
        None,
    )

    @property
    def source(self) -> str:
        """The config, for messages."""
        return self.config if isinstance(self.config, str) else self.config.filename


@dataclass(frozen=True, kw_only=True)
class LaunchedJob(ConfigJob[Result]):
    """A job that several processes can do together."""

    launcher: Literal['none', 'pytorch', 'slurm', 'mpi'] = option(
        'the launcher that started the processes of a distributed run', 'none'
    )
    local_rank: int = option(
        'number of this process, which launchers give',
        0,
        type=whole,
        flag='--local_rank',
    )


_VERBOSE = option(
    'print all that MMEngine writes to the log file: environment, config, hooks and '
    'each step',
    False,
)


@dataclass(frozen=True, kw_only=True)
class ConfigRequest:
    """What a user asks of a config; None leaves it to the data."""

    recipe: str | None = option(
        'what to read: joints in 2D (pose2d, which suits new videos), in 3D (pose3d, '
        'if every video has keypoint_3d), or heatmaps (default: pose2d)',
        None,
        choices=('pose3d', 'pose2d', 'heatmap', 'heatmap_cnn'),
    )
    segmentor: str | None = option(
        'network that segments (default: asformer; with --streaming ms_tcn2)',
        None,
        choices=('ms_tcn2', 'asformer'),
    )
    streaming: float | None = option(
        'write the config of a causal model, for streams and `mmskelseg live`; its '
        'labels depend on at most SECONDS of what follows, such as 0.5',
        None,
        type=number_from(0),
        metavar='SECONDS',
    )
    pairs: bool | None = option(
        'also read where the nearest other person or animal is, and how it moves; '
        '--no-pairs reads one alone (default: what finds more of held-out recordings '
        'in a quick look, if nine of ten videos show several)',
        None,
        action=argparse.BooleanOptionalAction,
    )
    objects: bool = option(
        'read where objects are, if the annotation file has them (--no-objects: see '
        'joints alone)',
        True,
        action=argparse.BooleanOptionalAction,
    )
    places: bool = option(
        'read where individuals are relative to places, if the annotation file has '
        'them (--no-places: see joints alone)',
        True,
        action=argparse.BooleanOptionalAction,
    )
    any_order: bool | None = option(
        'also train on recombined videos, which continue with another video at a '
        'segment boundary, so that the model relies on no order of actions; '
        '--no-any-order keeps the orders of the training videos, as those of a script '
        '(default: what the training videos show)',
        None,
        action=argparse.BooleanOptionalAction,
    )
    observers: Literal['majority', 'shares'] = option(
        'what to learn if the annotation file has the labels of several observers: the '
        'label that most give a frame, or the share that gives it each class (default: '
        'majority)',
        'majority',
    )
    epochs: Count | None = option(
        'number of epochs (default: enough for 2.5 million frames, within 600 to 1500 '
        'steps, which the two networks of short videos share)',
        None,
        type=whole_from(1),
    )


@dataclass(frozen=True, kw_only=True)
class SplitRequest:
    """Which splits of an annotation file a user asks for."""

    train: str | None = option(
        'split to train on (default: `train`, or the first that a test split belongs '
        'to, such as xsub_train)',
        None,
        metavar='SPLIT',
    )
    test: str | None = option(
        'split to test on (default: that of the training split: `test`, or else `val`; '
        'xsub_val)',
        None,
        metavar='SPLIT',
    )
    fold: str | None = option(
        'train and test on NAME/train and NAME/test, or NAME_train and NAME_val',
        None,
        metavar='NAME',
    )


@dataclass(frozen=True, kw_only=True)
class MakeFeatures(LaunchedJob[None]):
    """Computes the frame features of a config ahead of its training.

        %(prog)s configs/skelseg/uwiom_joint_limb.py

    Training and testing compute missing features themselves; this command does so ahead
    of time, for all videos in the config's splits. If it is stopped, the same command
    continues. Online features, such as those of recipes, are not stored.
    """

    does = 'mmskelseg.engine.preparing:make_features'
    kept = 'features of finished videos are kept; the same command continues.'


@dataclass(frozen=True, kw_only=True)
class Train(LaunchedJob[Trained]):
    """Trains a segmentor.

        %(prog)s configs/skelseg/uwiom_joint_limb.py

    Missing features are computed first. Logs, checkpoints and the scores on the test
    videos are written to work_dirs/<name of the config>. The last epoch is the result.
    --resume continues a stopped run, with exactly the same result.
    """

    does = 'mmskelseg.engine.training:train'
    kept = 'finished features and checkpoints are kept; add --resume to continue.'
    resume: str | None = option(
        'continue from this checkpoint, or without a name from the last one in the '
        'work folder, if any',
        None,
        nargs='?',
        const='auto',
    )
    amp: bool = option(
        'train in mixed precision: bfloat16, or float16 on older GPUs', False
    )
    no_validate: bool = option('do not validate during training', False)
    auto_scale_lr: bool = option(
        'scale the learning rate with the total batch size', False
    )
    seed: int | None = option(
        'random seed (default: 0); a resumed run keeps its seed', None, type=seed
    )
    diff_rank_seed: bool = option('give each process its own seed', False)
    deterministic: bool = option(
        'use deterministic algorithms on a GPU (slower)', False
    )
    verbose: bool = _VERBOSE


@dataclass(frozen=True, kw_only=True)
class Test(LaunchedJob[TestScores | None]):
    """Scores a trained segmentor.

        %(prog)s configs/skelseg/toy_joint_limb.py

    MODEL is the folder of a fit or a training, or a config. Without CHECKPOINT, its
    last one is scored. Several, such as those
    of different seeds, form an ensemble, which averages their probabilities; the scores
    of each checkpoint are reported as well.

    Prints the overall scores and those of each class, and writes metrics.json, the
    confusion matrix and a timeline of each test video to the work folder.
    """

    does = 'mmskelseg.engine.testing:test'
    writes = ('dump',)
    # It is no test of pytest.
    __test__ = False
    kept = (
        'finished features are kept, and scores are unchanged; run the same command '
        'again.'
    )
    usage = '%(prog)s [-h] MODEL [CHECKPOINT...] [OPTION...]'
    checkpoints: Sequence[str] = argument(
        'checkpoint, or a work folder, for its last checkpoint (default: the last one '
        "of the config's work folder); several form an ensemble",
        (),
        metavar='CHECKPOINT',
    )
    dump: str | None = option('pickle file for the predictions', None, type=pickle_name)
    show_dir: str | None = option('folder for the timelines', None)
    show: bool = option('show the timelines in a window', False)
    interval: Count | None = option(
        'draw every n-th video (default: as the config says, else every video)',
        None,
        type=whole_from(1),
    )
    wait_time: float | None = option(
        'seconds until a window closes (default: as the config says, else 2)',
        None,
        type=number_from(0),
    )
    verbose: bool = _VERBOSE


_CONVENTIONS = 'conventions of SegmentationMetric'


@dataclass(frozen=True, kw_only=True)
class Ensemble(Job[None]):
    """Scores the mean predictions of several models for the same test videos.

        %(prog)s joint.pkl motion.pkl heatmap.pkl

    The files are predictions dumped by tests, with any configs, on the same annotation
    file and split:

        mmskelseg test CONFIG --dump joint.pkl

    Prints the scores of the ensemble, which averages probabilities, beside those of
    each file, and writes all to metrics.json in the work folder. For several
    checkpoints of one config, no files are needed: give all of them to `mmskelseg
    test`.
    """

    does = 'mmskelseg.engine.testing:test_dumps'
    writes = ('dump',)
    dumps: Sequence[str] = argument(
        'two or more files from test --dump', metavar='DUMP'
    )
    weights: Sequence[float] | None = option(
        'weight of each file (default: equal weights)',
        None,
        type=number_from(0),
        metavar='W',
    )
    work_dir: str = option(
        'folder for metrics.json (default: %(default)s)', 'work_dirs/ensemble'
    )
    dump: str | None = option('pickle file for the predictions', None, type=pickle_name)
    background: str | None = option(
        'class whose segments do not count for edit score and F1 (default: that of the '
        'files)',
        None,
        group=_CONVENTIONS,
    )
    average: Literal['pooled', 'video'] = option(
        'pool all videos, or take the mean over videos (default: %(default)s)',
        'pooled',
        group=_CONVENTIONS,
    )
    scores: Literal['prob', 'logit'] = option(
        'rank frames for mAP by probability or by logit (default: %(default)s)',
        'prob',
        group=_CONVENTIONS,
    )
    absent: Literal['skip', 'zero'] = option(
        'leave classes without true frames out of mAP, or count them as 0 (default: '
        '%(default)s)',
        'skip',
        group=_CONVENTIONS,
    )
    skip_last_frame: bool = option(
        'leave the last frame of the last segment out of F1', False, group=_CONVENTIONS
    )


@dataclass(frozen=True, kw_only=True)
class ExecutedJob(Job[Result]):
    """A job of many runs, and where these are executed."""

    executor: Literal['none', 'local', 'slurm'] = option(
        'execute runs in turn (none), as Slurm jobs (slurm), or all at once as '
        'processes on this machine (local)',
        'none',
    )
    executor_options: Mapping[str, object] | None = option(
        "settings of submitit's AutoExecutor, as key=value", None
    )


@dataclass(frozen=True, kw_only=True)
class CrossValidate(ConfigJob[Path], ExecutedJob[Path]):
    """Trains and tests a config on every fold of its annotation file, with every seed.

        %(prog)s configs/skelseg/toy_joint_limb.py --seeds 0 1 2

    Each run trains to the last epoch and tests it, in WORK_DIR/<fold>/seed_<n>/. The
    result is a table of mean ± standard deviation over folds, over all test videos and
    over seeds, in WORK_DIR/cross_validation.md and .json. With several seeds, it
    includes their ensemble, which averages their probabilities in each fold. If the
    command is started again, it skips finished runs and continues those that were
    stopped. A run with other settings in the same folder is an error, so that a table
    never mixes settings.

    A model that starts from trained branches (configs/skelseg/toy_fusion.py) uses those
    of the same fold and seed, so cross-validate the branches first, with their own
    configs: work_dirs/toy_rgb/epoch_30.pth stands for
    work_dirs/toy_rgb/<fold>/seed_<n>/epoch_30.pth.

    On a cluster, every run is a separate job (pip install submitit):

        %(prog)s CONFIG --executor slurm \\
            --executor-options slurm_partition=gpu gpus_per_node=1 timeout_min=600

    Jobs that start together would each compute missing features, so run `mmskelseg
    features` first. Jobs continue when this program is stopped; start it again when
    they have ended.
    """

    does = 'mmskelseg.engine.cross_validation:cross_validate'
    kept = 'finished runs and saved checkpoints are kept; the same command continues.'
    folds: Sequence[str] | None = option(
        'names of folds (default: all named folds, or else the splits `train` and '
        '`test`, as the fold `default`)',
        None,
    )
    seeds: Sequence[int] = option('random seeds (default: 0)', (0,), type=seed)
