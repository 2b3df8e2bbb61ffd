"""The policy pack's tests; a package, so that `examples` here is not taken for the one of the repository."""
