"""Choices of options, in a module without imports, so that ``--help`` is fast."""

# Which of several people to use; see ``mmskelseg_io.poses.choose_person``.
POLICIES = ('track', 'largest', 'score', 'all')
# The choice that segments everybody separately.
EACH = 'each'
# Codecs of videos; see ``mmskelseg_io.files.video.written_video``.
CODECS = ('mp4v', 'avc1', 'vp09')
# Precisions of the weights of an exported model.
PRECISIONS = ('float32', 'float16')
# What an exported model reads.
INPUTS = ('keypoints', 'features')
