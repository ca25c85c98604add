"""Product analytics by the day. `source` is the port; a file each for what the vendors differ in."""
