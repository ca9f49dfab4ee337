"""The rules as plain Python: no I/O and no clock. Each formula is its Solidity twin's specification."""
