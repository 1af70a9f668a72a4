_base_ = '../../configs/recipes/uwiom_pose2d.py'
custom_imports = dict(imports=['c2f_tcn'])

# Configs of other models have this file name, and so the same default folder.
work_dir = 'work_dirs/c2f_tcn_uwiom_pose2d'

backbone = dict(_delete_=True, type='C2FTCN', in_channels=60, standardize=True)
model = dict(members=1, branches=dict(pose2d=backbone), head=dict(type='LevelHead'))

del backbone
