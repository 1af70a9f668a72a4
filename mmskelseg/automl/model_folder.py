"""The folder of a fit."""

from pathlib import Path

from mmskelseg.engine.run_folder import PREDICTIONS
from mmskelseg_io.files.work_folders import FITTED


class ModelFolder:
    """The paths in the folder that a fit writes.

    ``report.html`` and ``report.json`` say how good the final model is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        #: What determines the result, as JSON, and the data with the folds.
        self.settings = path / 'fit.json'
        self.ann_file = path / 'annotations.pkl'
        #: What is trained, as JSON; it is there before the first training.
        self.plan = path / 'plan.json'
        #: All trainings, and how many times as long as assumed their steps take.
        self.runs = path / 'runs'
        self.speed = self.runs / 'speed' / 'paces.json'
        #: The config of the final model, the model, and the model as an ONNX file.
        self.config = path / 'config.py'
        self.model = path / FITTED
        self.exported = path / 'model.onnx'
        #: The folder of the test of the final model, and its predictions.
        self.tested = path / 'test'
        self.predictions = self.tested / PREDICTIONS
