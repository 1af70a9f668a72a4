_base_ = './uwiom.py'

dataset = dict(
    features=dict(
        _delete_=True, pose3d=dict(render=dict(type='SkeletonCoordinates', dims=3))
    )
)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

del dataset
