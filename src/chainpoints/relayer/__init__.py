"""Carries accepted requests to the chain: once each, in order, in batches, through crashes and reorgs."""
