_base_ = './uwiom_joint_limb.py'

# Trained with missing limbs: in half of the frames, an arm or a leg is missing. Each
# video has four such copies, and epochs take them in turn.
train_dataloader = dict(
    dataset=dict(
        features=dict(heatmap=dict(transforms=[dict(type='DropLimb', p=0.5)], copies=4))
    )
)
