"""Join keypoints and labels to a data set, as `mmskelseg convert keypoints` does."""

from mmskelseg_io.converters.keypoints import main

if __name__ == '__main__':
    main(prog='python tools/dataset_converters/keypoints.py')
