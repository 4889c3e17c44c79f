"""Every SQL statement, and nothing else: each fact in one transaction, under the epoch it was claimed with."""
