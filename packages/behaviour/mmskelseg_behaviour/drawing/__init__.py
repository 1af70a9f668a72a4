"""Pictures of behaviour: bouts, transitions, and moments of high risk."""
