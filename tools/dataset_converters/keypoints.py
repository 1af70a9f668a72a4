"""Join keypoints and labels to a data set, as `mmskelseg convert keypoints` does."""

from mmskelseg.commands.convert import converter

if __name__ == '__main__':
    converter('keypoints')()
