"""WDT (旺店通 旗舰版): invoice orders are read from it and results written back to it."""
