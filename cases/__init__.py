"""The ground of the house: nouns, the life of a case, and the ports. Pure: no I/O, no SDK, no clock."""
