import matplotlib.image
import numpy as np
import pytest

from mmskelseg.visualization import file_name, save_png, write_file


def test_save_png_keeps_every_pixel(tmp_path):
    """What is read back is what was saved, in folders that were not there."""
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    path = tmp_path / 'new' / 'folder' / 'a.png'
    save_png(image, path)
    read = matplotlib.image.imread(path)[..., :3]
    np.testing.assert_array_equal(np.round(255 * read).astype(np.uint8), image)


def test_write_file_keeps_the_old_file_when_it_cannot_write(tmp_path, monkeypatch):
    """An interrupted write leaves the earlier file whole and nothing beside it."""
    path = tmp_path / 'metrics.json'
    write_file(b'old', path)

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr('os.replace', interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_file(b'new', path)
    assert path.read_bytes() == b'old'
    assert list(tmp_path.iterdir()) == [path]


def test_file_name_is_one_name_and_keeps_ids_apart():
    """No id leaves its folder, and no two share a file."""
    ids = ['a/b', 'a_b', 'a%2Fb', 'a\\b', '../a', 'C:\\a']
    names = [file_name(name) for name in ids]
    assert len(set(names)) == len(ids)
    assert not any(set(name) & set('/\\:') for name in names)
    assert file_name('2020-04-02-150120') == '2020-04-02-150120'
