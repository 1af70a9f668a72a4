ann_file = 'data/toy/annotations.pkl'
features = dict(
    heatmap=dict(
        render=dict(type='RenderSkeletonHeatmap', joints=True, limbs=True),
        encoder=dict(type='GridEncoder'),
    )
)
pipeline = [dict(type='LoadFrameFeatures'), dict(type='PackSegInputs')]

train_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='ActionSegDataset',
        ann_file=ann_file,
        split='train',
        features=features,
        pipeline=pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ActionSegDataset',
        ann_file=ann_file,
        split='test',
        features=features,
        pipeline=pipeline,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='SegmentationMetric', num_classes=10)
test_evaluator = val_evaluator
