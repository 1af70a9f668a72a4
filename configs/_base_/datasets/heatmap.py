# Common to all skeleton data sets; each adds its file, encoder and classes.
heatmap = dict(render=dict(type='RenderSkeletonHeatmap', joints=True, limbs=True))
# Features are memory-mapped, so workers would not speed up loading.
pipeline = [dict(type='LoadFrameFeatures'), dict(type='PackSegInputs')]

train_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='ActionSegDataset',
        split='train',
        features=dict(heatmap=heatmap),
        pipeline=pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ActionSegDataset',
        split='test',
        features=dict(heatmap=heatmap),
        pipeline=pipeline,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='SegmentationMetric')
test_evaluator = val_evaluator

# These are parts of the loaders, not settings of their own.
del heatmap, pipeline
