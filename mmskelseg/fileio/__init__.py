"""Files that are whole or absent, and that run no code."""
