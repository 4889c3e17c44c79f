"""Telling Alibaba's invoice centre how a buyer's application ended, and returning what it has not collected."""
