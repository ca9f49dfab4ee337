"""Gas of whole transactions, from receipts: ours in snapshot.json, the peers' in peers.json. See README.md here."""
