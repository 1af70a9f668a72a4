_base_ = './uwiom_fusion.py'

dataset = dict(ann_file='data/desktop_assembly/annotations.pkl')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

model = dict(
    num_classes=23,
    branches=dict(
        heatmap=dict(
            init_cfg=dict(
                checkpoint='work_dirs/desktop_assembly_joint_limb/epoch_100.pth'
            )
        ),
        rgb=dict(
            init_cfg=dict(checkpoint='work_dirs/desktop_assembly_rgb/epoch_100.pth')
        ),
    ),
)
val_evaluator = dict(num_classes=23)
test_evaluator = val_evaluator

del dataset
