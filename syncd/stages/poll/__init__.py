"""Reads windows of last-update time: what waits, and what changed."""
