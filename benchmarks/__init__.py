"""Time and memory of mmskelseg, beside plain code."""
