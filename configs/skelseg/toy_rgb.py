_base_ = './toy_joint_limb.py'

dataset = dict(
    features=dict(
        _delete_=True,
        rgb=dict(
            render=dict(type='ReadVideoFrames', size=(112, 112)),
            encoder=dict(type='GridEncoder', channels=3),
        ),
    )
)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

model = dict(
    branches=dict(
        _delete_=True, rgb=dict(type='MSTCNPlusPlus', in_channels=3 * 14 * 14)
    )
)

del dataset
