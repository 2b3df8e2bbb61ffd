"""Dated data that every room reads: engines and accelerators, each row with its source. Imports values only."""
