"""Nuonuo 诺诺: the reference adapter, class A — it refuses a repeated order number and can be asked by ours."""
