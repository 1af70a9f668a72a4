"""What tools find imported and compiled, run in a fork of a process with this."""

import gc
import multiprocessing
import os

# First, since MMAction2 cannot be imported without its repairs.
import mmskelseg  # isort: skip
import matplotlib.pyplot  # noqa: F401
import mmaction.datasets
import mmaction.models  # noqa: F401
import mmengine.runner  # noqa: F401
import numpy as np
import torch.utils.tensorboard  # noqa: F401
import torchvision  # noqa: F401

import mmskelseg.apis
import mmskelseg.datasets
import mmskelseg.engine
import mmskelseg.evaluation
import mmskelseg.models  # noqa: F401
from mmskelseg_io.jobs import processes
from mmskelseg_runtime.features import RenderSkeletonHeatmap
from tests.tool_server import IN_SERVER

RenderSkeletonHeatmap('coco17')({'keypoint': np.ones((1, 1, 17, 2), np.float32)})
if IN_SERVER in os.environ:
    # Those that it starts are forks of it.
    processes.get_context = lambda _: multiprocessing.get_context('fork')
    # A fork would copy all objects that it visits.
    gc.freeze()
