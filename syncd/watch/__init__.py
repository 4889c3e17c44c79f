"""What the daemon shows of itself: logs, metrics, and what it tells systemd."""
