"""What users are told: errors with a remedy, progress, logs, missing packages."""
