model = dict(
    type='ActionSegmentor',
    num_classes=17,
    branches=dict(pose3d=dict(type='GCNTCN', in_channels=3, skeleton='lcr15')),
    head=dict(type='SegmentationHead', loss_cls=dict(type='FrameCrossEntropyLoss')),
)
