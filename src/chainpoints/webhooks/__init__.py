"""Webhooks: what happened on chain, told to merchants, signed, in order, at least once."""
