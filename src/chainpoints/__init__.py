"""Loyalty points that are released over time on chain, and the gateway through which merchants take them."""

__version__ = "0.1.0"
