_base_ = '../recipes/precog_pose2d.py'

# Configs of other models have this file name, and so the same default folder.
work_dir = 'work_dirs/asrf_precog_pose2d'

model = dict(
    members=1,
    head=dict(loss_smooth=dict(form='printed', tau=4, similarity=1.0, loss_weight=1.0)),
    auxiliary=[dict(type='BoundaryHead', channels=32, dropout=0.3)],
    postprocess=[dict(type='BoundaryRefinement')],
)
