"""Python changed by a pattern, with LibCST: what is not part of the pattern stays as it was, byte for byte."""
