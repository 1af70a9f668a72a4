"""Label, train and correct on one page in the browser: `mmskelseg studio`."""
