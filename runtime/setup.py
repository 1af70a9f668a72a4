"""Builds mmskelseg-runtime from those modules of ../mmskelseg that need no PyTorch."""

import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PACKAGE = Path(__file__).resolve().parent.parent / 'mmskelseg'
# Paths in the package. Rooms with other modules are listed module by module.
SHARED = (
    '__init__.py',
    '__main__.py',
    'py.typed',
    'version.py',
    'apis/__init__.py',
    'apis/exports.py',
    'apis/frame_rates.py',
    'apis/inputs.py',
    'apis/live.py',
    'apis/predictions.py',
    'apis/pose_estimators/__init__.py',
    'apis/pose_estimators/estimator.py',
    'apis/pose_estimators/mediapipe.py',
    'apis/pose_estimators/rtmlib.py',
    'commands/__init__.py',
    'commands/arguments.py',
    'commands/live.py',
    'commands/poses.py',
    'commands/segment.py',
    'datasets/__init__.py',
    'datasets/annotations.py',
    'decoding/*.py',
    'features/__init__.py',
    'features/recipe.py',
    'features/renderers/__init__.py',
    'features/renderers/compiled_drawing.py',
    'features/renderers/coordinates.py',
    'features/renderers/drawing.py',
    'features/renderers/heatmap.py',
    'features/renderers/renderer.py',
    'features/renderers/video_frames.py',
    'fileio/__init__.py',
    'fileio/arrays.py',
    'fileio/atomic.py',
    'fileio/camera.py',
    'fileio/inputs.py',
    'fileio/model_files.py',
    'fileio/names.py',
    'fileio/onnx_graph.py',
    'fileio/onnx_sessions.py',
    'fileio/pickled_values.py',
    'fileio/pickles.py',
    'fileio/video.py',
    'interchange/**/*.py',
    'runtime/*.py',
    'streaming/*.py',
    'structures/*.py',
    'utils/__init__.py',
    'utils/choices.py',
    'utils/command_line.py',
    'utils/counts.py',
    'utils/dependencies.py',
    'utils/errors.py',
    'utils/lazy.py',
    'utils/logs.py',
    'utils/progress.py',
    'utils/settings.py',
    'utils/stopping.py',
    'visualization/__init__.py',
    'visualization/charts.py',
    'visualization/fonts.py',
    'visualization/frames.py',
    'visualization/images.py',
    'visualization/live.py',
    'visualization/overlay.py',
    'visualization/timelines.py',
)


class CopyShared(build_py):
    """Copies only the shared modules into the built package."""

    def run(self):
        target = Path(self.build_lib) / PACKAGE.name
        # It may be left from an earlier build.
        shutil.rmtree(target, ignore_errors=True)
        for pattern in SHARED:
            files = sorted(PACKAGE.glob(pattern))
            if not files:
                raise FileNotFoundError(f'{PACKAGE}: has no {pattern}')
            for file in files:
                copy = target / file.relative_to(PACKAGE)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, copy)

    def get_source_files(self):
        # They are outside this folder.
        return []


if __name__ == '__main__':
    version = re.search(r"'(.+)'", (PACKAGE / 'version.py').read_text())[1]
    setup(
        version=version,
        packages=[PACKAGE.name],
        package_dir={PACKAGE.name: '../mmskelseg'},
        cmdclass={'build_py': CopyShared},
    )
