"""The chain: clients, contracts, events, signatures, the compiler and deployments."""
