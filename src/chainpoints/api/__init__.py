"""The HTTP API under /v1. Reads the store, writes the gateway's own nouns, and leaves the chain to the relayer."""
