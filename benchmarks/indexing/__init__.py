"""How fast the indexer is: against Ponder, and against the floor of what it costs to read a chain at all."""
