"""Records the intent and the bytes, commits, then sends."""
