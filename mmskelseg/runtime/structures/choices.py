"""Choices of options, in a module without imports, so that ``--help`` is fast."""

# Which of several people to use; see ``mmskelseg.runtime.poses.choose_person``.
POLICIES = ('track', 'largest', 'score', 'all')
# The choice that segments everybody separately.
EACH = 'each'
# Codecs of videos; see ``mmskelseg.runtime.files.video.written_video``.
CODECS = ('mp4v', 'avc1', 'vp09')
# Precisions of the weights of an exported model.
PRECISIONS = ('float32', 'float16', 'int8')
# The file name and the purpose of each format of a prediction.
EXPORTS = {
    'csv': ('segments.csv', 'start, end, class and confidence, for spreadsheets'),
    'json': ('segments.json', 'the same with frames and notes, for programs'),
    'srt': ('segments.srt', 'subtitles, to play with the video'),
    'elan': ('segments.eaf', 'ELAN, for correction'),
    'boris-events': ('boris_events.csv', 'BORIS, aggregated events'),
    'boris': ('segments.boris', 'BORIS project, for correction'),
    'label-studio': ('label_studio.json', 'Label Studio, for correction'),
    'poses': ('poses.npz', 'the keypoints, to use them again'),
    'timeline': ('timeline.png', 'the timeline as an image'),
    'budget': ('time_budget.csv', 'number, total, mean and share of each class'),
    'budget-picture': ('time_budget.png', 'the same with transitions, as an image'),
    'overlay': ('overlay.mp4', 'the video above'),
    'gif': ('overlay.gif', 'the same for web pages, small, a minute at most'),
}
DEFAULT_EXPORTS = (
    'csv', 'json', 'srt', 'elan', 'boris-events', 'timeline', 'overlay',
)  # fmt: skip
