import numpy as np
import pytest

from mmskelseg.encoders import store as store_module
from mmskelseg.encoders.recipes import recipe_from_config
from mmskelseg.encoders.store import FeatureStore, ensure_features, load_features
from tests.errors import raises_naming
from tests.small_data import small_annotations


@pytest.mark.parametrize('dtype', ['int64', 'int8', 'bool', 'complex64', 'U3'])
def test_features_of_another_type_are_refused(tmp_path, dtype):
    np.save(tmp_path / 'video.npy', np.zeros((5, 3)).astype(dtype))
    with raises_naming(ValueError, tmp_path / 'video.npy', dtype):
        load_features(tmp_path / 'video.npy')


@pytest.mark.parametrize('frames', [6, 3000])
def test_features_that_are_not_finite_are_found_before_training(
    tmp_path, monkeypatch, frames
):
    monkeypatch.setattr(store_module, '_CHECKED_BYTES', 4000)
    data = small_annotations(lengths=(frames,))
    render = {'type': 'SkeletonCoordinates', 'dims': 2, 'flatten': True}
    recipe = recipe_from_config('pose', {'render': render}, 'coco17')
    (path,) = ensure_features(tmp_path, recipe, data['annotations'])
    features = np.load(path)
    # Of a long file, every so-many-th frame is read.
    step = max(1, features.nbytes // 4000)
    bad = 2 * step
    features[bad, 1] = np.nan
    np.save(path, features)
    with raises_naming(ValueError, path, f'frame {bad} '):
        ensure_features(tmp_path, recipe, data['annotations'])


def test_store_gives_back_what_blocks_wrote(tmp_path, rng):
    store = FeatureStore(tmp_path, 'heatmap', {'a': 1})
    features = rng.normal(size=(7, 3)).astype(np.float32)
    path = store.path('video', [features])
    store.write(path, 7, iter([features[:4], features[4:]]))
    np.testing.assert_array_equal(load_features(path), features)
    assert {p.name for p in store.folder.iterdir()} == {path.name, 'settings.json'}


def test_store_keeps_settings_and_data_apart(tmp_path, rng):
    data = rng.normal(size=(3, 2))
    path = FeatureStore(tmp_path, 'heatmap', {'sigma': 0.6}).path('video', [data])
    other = FeatureStore(tmp_path, 'heatmap', {'sigma': 0.7}).path('video', [data])
    assert path.parent != other.parent
    again = FeatureStore(tmp_path, 'heatmap', {'sigma': 0.6})
    assert again.path('video', [data.copy()]) == path
    assert again.path('video', [data + 1]).parent == path.parent
    assert again.path('video', [data + 1]) != path
    assert again.path('video', [data.reshape(2, 3)]) != path


def test_store_names_files_of_any_id(tmp_path):
    """An id with slashes or dots stays within the folder."""
    store = FeatureStore(tmp_path, 'heatmap', {})
    path = store.path('../S1/cam 2', [np.zeros(1)])
    assert path.parent == store.folder


def test_store_leaves_nothing_of_a_write_that_fails(tmp_path):
    store = FeatureStore(tmp_path, 'heatmap', {})
    path = store.path('video', [])

    def blocks():
        yield np.zeros((2, 3), np.float32)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write(path, 4, blocks())
    assert [p.name for p in store.folder.iterdir()] == ['settings.json']


@pytest.mark.parametrize('kept', [0, 40, 150])
def test_load_features_refuses_a_file_cut_short(tmp_path, kept):
    """Empty, cut in its header or in its values, the file is named."""
    path = tmp_path / 'video.npy'
    np.save(path, np.zeros((10, 4), np.float32))
    path.write_bytes(path.read_bytes()[:kept])
    with raises_naming(ValueError, path):
        load_features(path)
