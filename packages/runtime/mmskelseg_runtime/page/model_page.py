"""A page that runs an exported model without a server: one HTML file."""

import gzip
import re
from pathlib import Path

import numpy as np

from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.inputs import regular_file
from mmskelseg_io.labels.boris import AGGREGATED
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses.mediapipe import LANDMARKS
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import MIN_SCORE
from mmskelseg_io.structures.layouts import LAYOUTS
from mmskelseg_io.structures.tiers import tiers_of
from mmskelseg_runtime.features.recipe import FeatureRecipe
from mmskelseg_runtime.page import FOLDER
from mmskelseg_runtime.page.whole import base64_of, shown_tiers, whole_page
from mmskelseg_runtime.segmenting.model_files import ModelMetadata
from mmskelseg_runtime.segmenting.onnx_predictor import OnnxPredictor

_WORKER, _VENDOR = FOLDER / 'worker.js', FOLDER / 'vendor'
_READ = ('.csv', '.tsv', '.json', '.npz')


def write_page(
    model: Path,
    page: Path,
    name: str,
    card: str,
    sample: Path | None = None,
) -> None:
    """Write the page of an exported model.

    Args:
        model: Its file, in which the input `range` has no default.
        page: The HTML file to write.
        name: The title.
        card: What the model reads and knows, as HTML.
        sample: A file of poses to try it on.

    Raises:
        UserError: If the model reads others than keypoints in 2D, or if the sample is
            of another kind.
    """
    predictor = OnnxPredictor(model, 'cpu')
    (recipe, *_) = predictor.recipes
    if 'keypoints' not in predictor.file.session.inputs or recipe.in_3d:
        raise UserError(
            f'{name}: reads {"joints in 3D" if recipe.in_3d else "features"}, but a '
            'page needs a model that reads keypoints in 2D alone; train one '
            '(mmskelseg fit ANN --recipe pose2d), or share the folder.'
        )
    if sample and sample.suffix.lower() not in _READ:
        raise UserError(
            f'{sample}: a page reads {", ".join(_READ)}; name another sample.'
        )
    text = whole_page(
        'model.js',
        facts={
            **_facts(predictor.file.metadata, recipe),
            'name': name,
            'card': card,
        },
        sample=sample
        and {
            'name': sample.name,
            'content': base64_of(regular_file(sample).read_bytes()),
        },
        model=base64_of(gzip.compress(model.read_bytes(), mtime=0)),
        runtime=base64_of((_VENDOR / 'ort.wasm.gz').read_bytes()),
        worker=_runtime() + _WORKER.read_text('utf-8'),
    )
    atomic_write_text(page, text)


def _facts(metadata: ModelMetadata, recipe: FeatureRecipe) -> dict[str, object]:
    """Return what the page needs of a model, in types of JSON."""
    skeleton = Skeleton.get(metadata['skeleton'])
    layouts = {name: Skeleton.get(name).joints for name in LAYOUTS}
    return {
        'tiers': shown_tiers(tiers_of(metadata)),
        'joints': skeleton.joints,
        'limbs': skeleton.limbs,
        'fps': metadata['fps'],
        'kpt_thr': metadata.get('kpt_thr'),
        # As float32, which scores are.
        'least': float(np.float32(MIN_SCORE)),
        'context': metadata['context'],
        'others': recipe.sees_others,
        'postprocess': metadata['postprocess'],
        'layouts': {**layouts, 'mediapipe': LANDMARKS},
        'boris': AGGREGATED.split(','),
    }


def _runtime() -> str:
    """Return ONNX Runtime for the thread of a page, which can run no module.

    It asks where it lies, only to find files that the page has.
    """
    text = (_VENDOR / 'ort.js').read_text('utf-8')
    text = text.replace('import.meta.url', "'http://page/ort.js'")
    text = text.replace('location.origin', "'http://page'")
    text, exports = text.rsplit('export{', 1)
    names = re.findall(r'(\w+) as (\w+)', exports)
    return text + f'const ort={{{",".join(f"{name}:{own}" for own, name in names)}}};\n'
