# The likeliest segmentation by transitions and durations of the training labels.
model = dict(postprocess=[dict(type='SemiMarkovViterbi')])
