"""Reading of files without running code from them, atomic writing, video, camera."""
