# As `mmskelseg make-config` writes it for mice that face any direction.
_base_ = './pose3d.py'

dataset = dict(ann_file='data/subtle/annotations.pkl')
train_dataloader = dict(
    dataset=dict(
        **dataset,
        crop_frames=600,
        pipeline=[
            dict(type='RecombineSegments', p=0.5, times=5, transitions='any'),
            dict(type='RandomRotation3D', degrees=180, seed=1),
            *_base_.train_dataloader.dataset.pipeline[1:],
        ],
    )
)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

# 9 joints of 6 channels
model = dict(num_classes=5, branches=dict(pose3d=dict(in_channels=54)))
val_evaluator = dict(num_classes=5)
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=50)

del dataset
