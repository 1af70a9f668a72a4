"""What tools find imported and compiled, run in a fork of a process with this."""

import gc
import multiprocessing
import os
from contextlib import suppress
from importlib import import_module
from pkgutil import walk_packages

# First, since MMAction2 cannot be imported without its repairs.
import mmskelseg  # isort: skip
import matplotlib.backends.backend_agg
import matplotlib.pyplot  # noqa: F401
import mmaction.datasets
import mmaction.models  # noqa: F401
import numpy as np
import torch.utils.tensorboard  # noqa: F401
import torchvision  # noqa: F401
from mmengine.runner import runner
from PIL import Image

import mmskelseg_behaviour
import mmskelseg_io
import mmskelseg_runtime
from mmskelseg_io.jobs import processes
from mmskelseg_runtime.features import RenderSkeletonHeatmap
from tests.tool_server import IN_SERVER

RenderSkeletonHeatmap('coco17')({'keypoint': np.ones((1, 1, 17, 2), np.float32)})
if IN_SERVER in os.environ:
    for package in (mmskelseg, mmskelseg_behaviour, mmskelseg_io, mmskelseg_runtime):
        for module in walk_packages(package.__path__, f'{package.__name__}.'):
            if '__main__' not in module.name and 'stand_ins' not in module.name:
                # Some need packages that may be missing.
                with suppress(ImportError):
                    import_module(module.name)
    for name in ('onnx', 'onnxruntime'):
        with suppress(ImportError):
            import_module(name)
    # Each training asks compilers and drivers for their versions.
    versions = runner.collect_env()
    runner.collect_env = lambda: versions
    Image.init()
    # Those that it starts are forks of it.
    processes.get_context = lambda _: multiprocessing.get_context('fork')
    # A fork would copy all objects that it visits.
    gc.freeze()
