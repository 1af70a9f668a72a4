# Coordinates of 3D skeletons, augmented anew in each epoch. A config that inherits this
# one adds what `mmskelseg make-config` fills in: ann_file, num_classes, in_channels and
# max_epochs.
_base_ = './pose2d.py'

coordinates = dict(type='SkeletonCoordinates', dims=3, flatten=True)
features = dict(_delete_=True, pose3d=dict(render=coordinates, online=True))
steps = [*_base_.train_dataloader.dataset.pipeline]
# In place of the rotation of the image.
steps[1] = dict(type='RandomRotation3D', degrees=20, tilt=5)
train_dataloader = dict(dataset=dict(features=features, pipeline=steps))
val_dataloader = dict(dataset=dict(features=features))
test_dataloader = val_dataloader

model = dict(branches=dict(_delete_=True, pose3d=_base_.model.branches.pose2d))

del coordinates, features, steps
