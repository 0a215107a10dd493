"""`network check`: whether a network does on every node what it is for, shown by short-lived pods."""
