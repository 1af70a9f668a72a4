_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/schedules/adam_100e.py',
    '../_base_/models/pyramid_gcn.py',
    '../_base_/datasets/uwiom_pose3d.py',
]

# Configs of other models have this file name, and so the same default folder.
work_dir = 'work_dirs/st_pgn_uwiom_pose3d'

# Displacements need the next frame, and the body's size needs the whole video: a stream
# has neither.
render = dict(displacement=False, scale=None)
dataset = dict(features=dict(pose3d=dict(render=render)))
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

optim_wrapper = dict(optimizer=dict(lr=5e-4))

del render, dataset
