"""The indexer: the only way by which chain state enters the store."""
