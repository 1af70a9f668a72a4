"""What a data set looks like, and what looks wrong in it."""
