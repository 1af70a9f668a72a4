"""Messages to users: errors with a remedy, progress, logs, missing packages."""
