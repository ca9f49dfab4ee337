"""One module for each noun. A route reads at one block, or carries out one effect, in one transaction."""
