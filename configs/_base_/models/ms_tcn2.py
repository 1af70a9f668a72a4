model = dict(
    type='ActionSegmentor',
    num_classes=17,
    branches=dict(heatmap=dict(type='MSTCNPlusPlus', in_channels=2048)),
    head=dict(
        type='SegmentationHead',
        loss_cls=dict(type='FrameCrossEntropyLoss'),
        loss_smooth=dict(type='TruncatedMSELoss', loss_weight=0.15),
    ),
    auxiliary=[],
)
