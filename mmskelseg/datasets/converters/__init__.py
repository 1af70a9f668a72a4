"""Converters of releases and of other files into annotation files."""

# What each module of this name does, for `mmskelseg convert --help`.
CONVERTERS = {
    'toy': 'make the toy data set, without any download',
    'uwiom': 'convert the public UW-IOM release, and fetch it if asked to',
    'tum_kitchen': 'convert 3D poses and frame-wise labels of TUM-Kitchen',
    'desktop_assembly': 'convert labels and 2D poses of Desktop Assembly',
    'precog': 'convert the Kinect skeletons of PRECOG-16',
    'keypoints': 'join keypoints that a tracker wrote and labels that people made',
    'dest': 'convert from and to the skeletons that DeST and its followers share',
    'common_layout': 'convert from and to the text files of other repositories',
}
