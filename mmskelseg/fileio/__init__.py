"""Reading of files without running code from them, and atomic writing."""
