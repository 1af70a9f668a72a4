"""A model that sees places: in PyTorch, as ONNX and as a stream."""

import copy

import numpy as np
import pytest

from mmskelseg.apis import SkelSegStream
from mmskelseg.export.export import export_onnx
from mmskelseg_io.places.table import write_table
from mmskelseg_io.structures.places import Place
from mmskelseg_runtime import OnnxSegmenter, OnnxStream
from tests.errors import raises_naming
from tests.inferring import inferencer_of
from tests.test_segmenting.conftest import META

NEST = Place('nest', 'polygon', np.array([[200.0, 200], [400, 220], [300, 400]]))
LAMP = Place('lamp', 'point', np.array([[310.0, 290]]))
SHAPES = {'nest': 'polygon', 'lamp': 'point'}
FAR = Place('nest', 'polygon', NEST.points + 200)


@pytest.fixture(scope='module')
def model(save, causal, person, tmp_path_factory):
    """Its config and checkpoint, and files of it for videos and for streams."""
    cfg = copy.deepcopy(causal)
    own = dict(cfg.test_dataloader.dataset.features.pose2d.render)
    places = {'type': 'PlaceCoordinates', 'places': SHAPES, 'causal': True}
    cfg.test_dataloader.dataset.features.pose2d.render = {
        'type': 'Concatenate', 'parts': [own, places]
    }  # fmt: skip
    cfg.model.branches.pose2d.in_channels += 2 * 4
    records = [one.record() for one in (NEST, LAMP)]
    checkpoint = save(cfg, meta=META, video={**person(200), 'places': records})
    folder = tmp_path_factory.mktemp('exported')
    files = folder / 'whole.onnx', folder / 'stream.onnx'
    for file, streaming in zip(files, (False, True), strict=True):
        export_onnx(cfg, checkpoint, file, streaming=streaming)
    return cfg, checkpoint, *files


@pytest.fixture
def path(tmp_path):
    """The table of places that is given to a command."""
    write_table(tmp_path / 'places.csv', {'': [NEST, LAMP]})
    return tmp_path / 'places.csv'


def test_all_forms_of_a_model_see_the_places_of_a_file(model, person, path):
    cfg, checkpoint, whole, stream = model
    video = person(60)
    segmenters = [
        inferencer_of(cfg, checkpoint), OnnxSegmenter(whole, show_progress=False)
    ]  # fmt: skip
    records = [one.record() for one in (FAR, LAMP)]
    stated = {**video, 'places': records}
    (expected, *others), (moved, *_) = (
        [one(given, **options)['predictions'][0]['pred_score'] for one in segmenters]
        for given, options in ((stated, {'places': path}), (stated, {}))
    )
    assert np.abs(expected - moved).max() > 1e-3
    np.testing.assert_allclose(others[0], expected, atol=1e-5)
    for live in (
        SkelSegStream(cfg, checkpoint, places=[NEST, LAMP]),
        OnnxStream(stream, places=path),
    ):
        frames = live.push(video['keypoint'][0], video['keypoint_score'][0])
        found = np.array([f.probabilities for f in (*frames, *live.flush())])
        np.testing.assert_allclose(found.T, expected, atol=1e-5)


def test_a_place_off_the_image_is_noted(model, person):
    """The image is 600x600."""
    far = Place('nest', 'polygon', NEST.points + 2000)
    video = {**person(60), 'places': [far.record(), LAMP.record()]}
    prediction = OnnxSegmenter(model[2])(video)['predictions'][0]
    assert len(prediction['places']) == 2
    (note,) = (note for note in prediction['notes'] if 'nest' in note)
    assert "'nest' lies outside the 600x600 image" in note


def test_a_model_says_which_places_it_needs(model, person, tmp_path):
    cfg, checkpoint, whole, stream = model
    named = ('nest, lamp', '--places')
    for segment in (inferencer_of(cfg, checkpoint), OnnxSegmenter(whole)):
        assert segment.places == ['nest', 'lamp']
        with raises_naming(ValueError, 'take1', *named):
            segment(person(60))
    for live in (lambda: SkelSegStream(cfg, checkpoint), lambda: OnnxStream(stream)):
        with raises_naming(ValueError, 'the stream', *named):
            live()
    point = Place('nest', 'point', LAMP.points)
    for segment in (inferencer_of(cfg, checkpoint), OnnxSegmenter(whole)):
        with raises_naming(ValueError, 'take1', "'nest' as a polygon", 'a point'):
            segment({**person(60), 'places': [point.record(), LAMP.record()]})
    with raises_naming(ValueError, 'the stream', "'nest' as a polygon", 'a point'):
        OnnxStream(stream, places=[point, LAMP])
    path = tmp_path / 'places.csv'
    write_table(path, {'take2': [NEST, LAMP]})
    with raises_naming(ValueError, f'{path}: ', 'take2', 'camera'):
        OnnxStream(stream, places=path)
