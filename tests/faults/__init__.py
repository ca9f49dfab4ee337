"""What goes wrong between the gateway's processes, its database and its chain: drawn from a seed, and survived."""
