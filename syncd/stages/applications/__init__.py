"""Where applications come from: the platform's messages."""
