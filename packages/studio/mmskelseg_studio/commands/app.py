"""Labels the recordings of a folder with a trained model, and plays them on a page."""

from mmskelseg_studio.opening import OpenApp

main = OpenApp.main
