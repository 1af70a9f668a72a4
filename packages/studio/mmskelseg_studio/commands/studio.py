"""Opens a page on which you label recordings, train a model, and correct it."""

from mmskelseg_studio.opening import OpenStudio

main = OpenStudio.main
