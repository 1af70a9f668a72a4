"""Data sets of a few videos."""


class Videos(list):
    """A data set of these videos."""

    crop_frames = None

    def video(self, index):
        item = {'dataset': self, 'feature_files': {}, 'crop_frames': self.crop_frames}
        return {**self[index], **item}

    def videos(self):
        return ((i, self.video(i)) for i in range(len(self)))
