"""Every event by topic: its level, what it means in both languages, and its fields; joined in `watch/events.py`."""
