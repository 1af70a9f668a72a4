default_scope = 'mmskelseg'

default_hooks = dict(
    runtime_info=dict(type='RuntimeInfoHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=20, ignore_last=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    # No save_best: the epoch that scores best on the test videos is never used.
    checkpoint=dict(type='CheckpointHook', interval=5, max_keep_ckpts=2),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    epoch_seed=dict(type='EpochSeedHook'),
    check=dict(type='SegCheckHook'),
    statistics=dict(type='FitStatisticsHook'),
    report=dict(type='SegReportHook'),
    visualization=dict(type='SegVisualizationHook'),
    # More gain little, and are slow while other programs run.
    threads=dict(type='CPUThreadsHook', threads=1),
)

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    # Seconds that processes wait for one that still makes features.
    dist_cfg=dict(backend='nccl', timeout=14400),
)
# For several processes on GPUs; a single one has plain batch norms.
sync_bn = 'torch'

log_processor = dict(type='LogProcessor', window_size=20, by_epoch=True)
vis_backends = [dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')]
# Without a name, it gets that of the experiment, so that a second training in the same
# process does not write into the folder of the first.
visualizer = dict(type='SegVisualizer', vis_backends=vis_backends)

log_level = 'INFO'
load_from = None
resume = False
