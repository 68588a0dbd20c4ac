"""The measurements of `hfm bench`, one file per kind of work."""
