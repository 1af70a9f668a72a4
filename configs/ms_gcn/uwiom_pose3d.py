_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/schedules/adam_100e.py',
    '../_base_/models/ms_gcn.py',
    '../_base_/datasets/uwiom_pose3d.py',
]

# Configs of other models have this file name, and so the same default folder.
work_dir = 'work_dirs/ms_gcn_uwiom_pose3d'

optim_wrapper = dict(optimizer=dict(lr=5e-4))
