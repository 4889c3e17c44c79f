"""Pays what is owed to WDT, and believes only what it sees there."""
