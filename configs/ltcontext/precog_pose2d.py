_base_ = '../recipes/precog_pose2d.py'

# Other models have a config of this name.
work_dir = 'work_dirs/ltcontext_precog_pose2d'

# The stride is that of the paper's configs for Breakfast, whose videos are as short.
backbone = dict(
    _delete_=True, type='LTContext', in_channels=80, stride=8, standardize=True
)
model = dict(members=1, branches=dict(pose2d=backbone))

del backbone
