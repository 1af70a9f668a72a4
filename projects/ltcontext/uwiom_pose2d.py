_base_ = '../../configs/recipes/uwiom_pose2d.py'
custom_imports = dict(imports=['ltcontext'])

# Configs of other models have this file name, and so the same default folder.
work_dir = 'work_dirs/ltcontext_uwiom_pose2d'

# The stride of the paper's configs for Breakfast, which has videos as short as these.
backbone = dict(
    _delete_=True, type='LTContext', in_channels=60, stride=8, standardize=True
)
model = dict(members=1, branches=dict(pose2d=backbone))

del backbone
