"""Small files in place of the networks that rtmlib fetches."""

from zipfile import ZipFile

import numpy as np

# Boxes in a picture of 416 pixels, and how sure they are.
PEOPLE = [[104, 104, 208, 312, 0.9], [0, 0, 9, 9, 0.1]]
# Where the joints of a body of size 1 are, in pixels from the middle of the picture
# that the pose estimator gets.
BODY = {
    'x': [0, 2, -2, 4, -4, 8, -8, 10, -10, 11, -11, 5, -5, 5, -5, 5, -5],
    'y': [-30, -32, -32, -31, -31, -22, -22, -10, -10, 2, 2, 4, 4, 20, 20, 36, 36],
}
WRISTS = [9, 10]
DETECTOR = """
<ir_version: 9, opset_import: ["": 17]>
det (float[1, 3, height, width] image) => (float[1, 2, 5] people) {
    people = Identity(found)
}
"""
POSE = """
<ir_version: 9, opset_import: ["": 17]>
pose (float[1, 3, height, width] image)
    => (float[1, 17, 384] x, float[1, 17, 512] y) {
    mean = ReduceMean<axes = [1, 2, 3], keepdims = 0>(image)
    bright = Relu(mean)
    up = Mul(bright, rise)
    at_y = Sub(rest_y, up)
    dx = Sub(steps_x, rest_x)
    dy = Sub(steps_y, at_y)
    dx2 = Mul(dx, dx)
    dy2 = Mul(dy, dy)
    lost_x = Mul(dx2, slope)
    lost_y = Mul(dy2, slope)
    x = Sub(sure, lost_x)
    y = Sub(sure, lost_y)
}
"""


def write_networks(folder, det='det_1.zip', pose='pose_1.zip', size=0):
    """Write a detector and a pose estimator, packed as on the server of OpenMMLab.

    The detector finds two people in all pictures, the second one hardly. The joints
    of each are in the middle of their box; with a ``size``, they form a body, whose
    wrists rise where the picture is bright.
    """
    rest = {axis: np.reshape(BODY[axis], (1, 17, 1)) * 2.0 * size for axis in 'xy'}
    rise = np.zeros((1, 17, 1))
    rise[:, WRISTS] = 100 * size
    _write(folder / det, DETECTOR, found=[PEOPLE])
    _write(
        folder / pose, POSE, rise=rise, sure=0.8, slope=1e-4,
        rest_x=rest['x'] + 192, rest_y=rest['y'] + 256,
        steps_x=np.arange(384), steps_y=np.arange(512),
    )  # fmt: skip


def _write(path, text, **constants):
    import onnx

    model = onnx.parser.parse_model(text)
    for name, value in constants.items():
        array = onnx.numpy_helper.from_array(np.array(value, np.float32), name)
        model.graph.initializer.append(array)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix('.onnx').write_bytes(model.SerializeToString())
    with ZipFile(path, 'w') as packed:
        packed.write(path.with_suffix('.onnx'), 'some/end2end.onnx')
