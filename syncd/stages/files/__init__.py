"""Fetching the files of issued invoices while their addresses work."""
