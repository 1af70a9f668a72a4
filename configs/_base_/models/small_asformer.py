# What configs of a small ASFormer for new orders of actions share. They take it out by
# `pop`, since the recipe that each of them inherits has the `model` that it changes.
recombination = dict(type='RecombineSegments', p=0.5, times=5, transitions='any')
# The paper has ten layers and three decoders; new orders need fewer.
backbone = dict(_delete_=True, type='ASFormer', num_layers=9, num_decoders=1)
segmentor = dict(members=1, postprocess=[dict(type='MinDuration')])
