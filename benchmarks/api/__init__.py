"""How fast the API reads wallets out of a large database: `make bench-api`."""
