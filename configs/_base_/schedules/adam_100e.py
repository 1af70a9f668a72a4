# The paper's schedule: Adam at 1e-3 for 100 epochs, one video a step, last epoch used.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=100, val_interval=20)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

# No schedule of the learning rate.
param_scheduler = []
optimizer = dict(type='Adam', lr=1e-3, fused=True)
optim_wrapper = dict(type='OptimWrapper', optimizer=optimizer)

del optimizer

# For --auto-scale-lr, which is off by default.
auto_scale_lr = dict(enable=False, base_batch_size=1)
