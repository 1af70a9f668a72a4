"""Statistics of the training features, found before the first step."""

from collections.abc import Iterable, Iterator, Mapping

from mmengine.dist import broadcast, is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor

from mmskelseg.models.layers import FeatureStandardizer
from mmskelseg.registry import HOOKS
from mmskelseg.utils.errors import UserError


@HOOKS.register_module()
class FitStandardizerHook(Hook):
    """Finds mean and deviation of the features that a model standardises.

    They are those of the training videos as the pipeline gives them in the first epoch,
    augmented if it augments. A model that comes with statistics, from a checkpoint,
    keeps them.
    """

    def before_train(self, runner: Runner) -> None:
        """Find them, unless the model has them."""
        dataset = runner.train_dataloader.dataset
        for name, standardizer in open_standardizers(runner).items():
            if is_main_process():
                # A pass for each branch, since features of all may fill the memory.
                items = (dataset[i]['inputs'] for i in range(len(dataset)))
                standardizer.fit(_features(items, name))
            for tensor in (standardizer.mean, standardizer.std):
                broadcast(tensor)
            standardizer.fitted.fill_(True)


def open_standardizers(runner: Runner) -> dict[str, FeatureStandardizer]:
    """Return those of a runner's model without statistics, by branch."""
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    return {
        name: branch['standardizer']
        for name, branch in getattr(model, 'branches', {}).items()
        if 'standardizer' in branch and not branch['standardizer'].is_fitted
    }


def _features(items: Iterable[Mapping[str, Tensor]], name: str) -> Iterator[Tensor]:
    for inputs in items:
        if name not in inputs:
            raise UserError(
                f'The model has a branch {name!r}, but the inputs are {list(inputs)}; '
                'name it under dataset.features as well.'
            )
        yield inputs[name]
