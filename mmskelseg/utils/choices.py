"""Names to choose from, in a module that imports nothing: ``--help`` lists them."""

# Which of several people; see ``mmskelseg.interchange.poses.choose_person``.
POLICIES = ('track', 'largest', 'score', 'all')
# Where each of them can be segmented.
EACH = 'each'
# How a video is written; see ``mmskelseg.fileio.video.written_video``.
CODECS = ('mp4v', 'avc1', 'vp09')
# Of the weights of an exported model.
PRECISIONS = ('float32', 'float16', 'int8')
# The file that a prediction becomes in each format, and its use.
EXPORTS = {
    'csv': ('segments.csv', 'start, end, class and confidence, for spreadsheets'),
    'json': ('segments.json', 'the same with frames and notes, for programs'),
    'srt': ('segments.srt', 'subtitles, to play with the video'),
    'elan': ('segments.eaf', 'ELAN, to correct'),
    'boris-events': ('boris_events.csv', 'BORIS, aggregated events'),
    'boris': ('segments.boris', 'BORIS project, to correct'),
    'label-studio': ('label_studio.json', 'Label Studio, to correct'),
    'poses': ('poses.npz', 'the keypoints, for a next time'),
    'timeline': ('timeline.png', 'the timeline as a picture'),
    'budget': ('time_budget.csv', 'number, total, mean and share of each class'),
    'budget-picture': ('time_budget.png', 'the same and transitions as a picture'),
    'overlay': ('overlay.mp4', 'the video above'),
    'gif': ('overlay.gif', 'the same for pages, small and of at most a minute'),
}
DEFAULT_EXPORTS = (
    'csv', 'json', 'srt', 'elan', 'boris-events', 'timeline', 'overlay',
)  # fmt: skip
