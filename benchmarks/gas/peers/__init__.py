"""Other projects' contracts, as their npm packages publish them, measured on the same chain as ours."""
