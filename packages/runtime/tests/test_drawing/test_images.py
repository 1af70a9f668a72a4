import matplotlib.image
import numpy as np

from mmskelseg_runtime.drawing.images import save_png


def test_save_png_keeps_every_pixel(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    path = tmp_path / 'new' / 'folder' / 'a.png'
    save_png(image, path)
    read = matplotlib.image.imread(path)[..., :3]
    np.testing.assert_array_equal(np.round(255 * read).astype(np.uint8), image)
