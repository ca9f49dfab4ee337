"""Signed payments through everything: API, relayer, chain, indexer; how many, how fast, and none lost."""
