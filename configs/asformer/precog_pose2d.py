_base_ = '../recipes/precog_pose2d.py'

# Configs of other models have this file name, and so the same default folder.
work_dir = 'work_dirs/asformer_precog_pose2d'

backbone = dict(_delete_=True, type='ASFormer', in_channels=80, standardize=True)
model = dict(members=1, branches=dict(pose2d=backbone))

del backbone
