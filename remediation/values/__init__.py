"""Values in configuration files: found by a parser, changed by their span alone, and compared by meaning.

YAML, TOML and JSON. What comes out differs from what went in by the bytes of the scalars that were meant, and in
nothing else; it is parsed again to make sure. What could be read in two ways is refused with a sentence.
"""
