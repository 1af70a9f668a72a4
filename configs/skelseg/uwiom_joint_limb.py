_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/schedules/adam_100e.py',
    '../_base_/models/ms_tcn2.py',
    '../_base_/datasets/uwiom.py',
]
