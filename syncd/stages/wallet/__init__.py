"""The buyers' wallets: read what was imported, look when a red invoice asks, say CANCEL when one was issued."""
