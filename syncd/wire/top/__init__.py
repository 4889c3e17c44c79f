"""Alibaba's invoice centre, reached through Taobao's open platform (TOP, 淘宝开放平台)."""
