"""Outside forms of what the desk keeps."""
