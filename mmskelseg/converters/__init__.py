"""Converters from releases and other files to annotation files."""

# What the module of each name does, for `mmskelseg convert --help`.
CONVERTERS = {
    'toy': 'make the toy data set, without any download',
    'uwiom': 'convert the public UW-IOM release, and fetch it if asked to',
    'tum_kitchen': 'convert 3D poses and frame-wise labels of TUM-Kitchen',
    'desktop_assembly': 'convert labels and 2D poses of Desktop Assembly',
    'precog': 'convert the Kinect skeletons of PRECOG-16',
    'subtle': 'convert the mice of SUBTLE, in 3D',
    'keypoints': 'combine keypoints of a tracker with labels of an annotation tool',
    'dest': 'convert from and to the skeleton layout of DeST and later papers',
    'common_layout': 'convert from and to the text files of other repositories',
}
