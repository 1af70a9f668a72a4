"""Jobs: what the program can be asked to do, with typed inputs, events and results."""
