"""The commands that open the page, a module each."""
