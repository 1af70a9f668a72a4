"""Options of all registered parts, which check them by their annotations."""

import pytest
from mmengine.registry import Registry

from mmskelseg import registry
from mmskelseg_io.messages.errors import UserError, shown
from tests.errors import raises_naming

PARTS = {}
for one in vars(registry).values():
    if isinstance(one, Registry):
        one.import_from_location()
        PARTS |= one.module_dict
INF, NAN = float('inf'), float('nan')

# A part, and values that it refuses for some of its arguments.
REFUSED = [
    ('ActionSegmentor', dict(num_classes=0, members=0, chunk_frames=0)),
    ('ASFormer', dict(in_channels=0, channels=0, num_layers=0, num_decoders=-1)),
    ('ASFormer', dict(reduction=0, channel_masking=2, dropout=-1, block_windows=1)),
    ('CausalTCN', dict(in_channels=0, channels=0, num_layers=0, lookahead=-1)),
    ('GCNTCN', dict(in_channels=0, out_channels=0, stem_channels=0, channels=0)),
    ('GCNTCN', dict(num_levels=0, kernel_size=0, graph_channels=[0], reach=-1)),
    ('MMActionGCN', dict(in_channels=0, channels=0, upsample=0, network=[])),
    ('MSGCN', dict(in_channels=0, channels=0, num_layers=0, num_refinements=-1)),
    ('MSTCNPlusPlus', dict(in_channels=0, channels=0, num_prediction_layers=0)),
    ('MSTCNPlusPlus', dict(num_refinements=-1, dropout='high', lookahead=-1)),
    ('PyramidGCN', dict(in_channels=0, channels=0, num_layers=0)),
    ('ConcatFusion', dict(in_channels=[4, 0], out_channels=0)),
    ('HeatmapEncoder', dict(in_channels=0, out_channels=0, chunk_frames=0)),
    ('HeatmapEncoder', dict(arch='tiny', kept_frames=-1, prior_frames=-1)),
    ('SegmentationHead', dict(num_classes=0)),
    ('BoundaryHead', dict(in_channels=0, channels=0, num_layers=0, num_refinements=-1)),
    ('BoundaryHead', dict(positive_weight=0, loss_weight=NAN)),
    ('RiskHead', dict(in_channels=0, channels=0, reduced_channels=0, num_layers=0)),
    ('FrameCrossEntropyLoss', dict(loss_weight=-1.0, boundary_smoothing=-1)),
    ('FrameCrossEntropyLoss', dict(class_weight=[-1, 1])),
    ('FrameCrossEntropyLoss', dict(loss_weight=NAN, class_weight=[INF, 1])),
    ('TruncatedMSELoss', dict(form='other', tau=-1, similarity=0, loss_weight=-1)),
    ('TruncatedMSELoss', dict(tau=INF, similarity=NAN, loss_weight=NAN)),
    ('TimestampSupervision', dict(warmup=1.5, confidence=-1)),
    ('MinDuration', dict(frames=0)),
    ('CausalMinDuration', dict(frames=0)),
    ('ActionOrder', dict(num_classes=0, background=-1, frames=0)),
    ('BoundaryRefinement', dict(threshold=7.0)),
    ('FrameEncoder', dict(intensity='div2', dtype='half', input_size=0, batch_size=0)),
    ('GridEncoder', dict(grid=(14, 0), channels=4)),
    ('RandomSpeed', dict(factor=0.5)),
    ('RandomSpeed', dict(factor=(2, 1))),
    ('RandomSpeed', dict(factor=(0, 1))),
    ('RandomSpeed', dict(factor=(1, INF))),
    ('RandomCropFrames', dict(num_frames=0)),
    ('RandomHorizontalFlip', dict(p=50, lateral=3, class_pairs=['left'])),
    ('RandomRotation', dict(degrees=-5, depth='z')),
    ('RandomShift', dict(fraction=10)),
    ('RandomTimeWarp', dict(sigma=-1, period=0)),
    ('RandomRotation3D', dict(degrees=-1, tilt=200, vertical=3)),
    ('RandomProjection', dict(distance=(3, 2), right='w', down='up')),
    ('RandomScale', dict(sigma=3)),
    ('RandomProportions', dict(sigma=NAN)),
    ('RandomJitter', dict(sigma=-1, period=INF)),
    ('RandomJointDropout', dict(p=2, seconds=(2, 1))),
    ('RecombineSegments', dict(p=2, transitions='all', times=0)),
    ('JoinClips', dict(runs=0, blend=-1)),
    ('DropLimb', dict(p=25)),
    ('DropLimb', dict(p=NAN)),
    (
        'RenderSkeletonHeatmap',
        dict(size=(0, 9), sigma=0, joints=10**12, box='frame', distance='cubed'),
    ),
    ('SkeletonCoordinates', dict(dims=4, scale='image', person=-1, flatten='no')),
    ('PairCoordinates', dict(dims=1, nearest=10**9, turn='no', vertical=3, person=-1)),
    ('PlaceCoordinates', dict(places=['a', 'a'], dims=1, view=1, vertical=3)),
    ('PlaceCoordinates', dict(places={'a': 'blob'})),
    ('ObjectCoordinates', dict(kinds=['box'], dims=1, nearest=0, turn=1, vertical=3)),
    ('ReadVideoFrames', dict(align='time', size=3)),
    ('SegmentationMetric', dict(num_classes=0, average='a', scores='b', absent='c')),
    ('SegVisualizationHook', dict(interval=0, line_minutes=0)),
    ('CPUThreadsHook', dict(threads=0)),
]


@pytest.mark.parametrize(
    ('name', 'argument', 'value'),
    [(name, *item) for name, values in REFUSED for item in values.items()],
)
def test_value_that_does_not_fit_is_named(name, argument, value):
    with pytest.raises(UserError) as caught:
        PARTS[name](**{argument: value})
    assert str(caught.value).startswith(f'{name}: {argument}={shown(value)}, ')


def test_values_of_configs_are_checked_as_well():
    with raises_naming(UserError, 'MSTCNPlusPlus', 'channels=0'):
        registry.MODELS.build({'type': 'MSTCNPlusPlus', 'channels': 0})
