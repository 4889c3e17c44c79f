"""A bridge between a merchant's ERP and the tax world: every invoice order issued exactly once, none lost."""

__version__ = "0.1.0"
