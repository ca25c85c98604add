"""Engine: scores any number of series as their readings come, each in constant time and 302 bytes.

The way of a reading, one file a stage: `samples` (does it count), `season` (what was expected), `records` (how unheard
of is the rest), `calibration` (is that news, and how rare), then `budget` over the series of a service. `rows` is what
is kept, `pace` how fast it forgets, `engine` runs the stages over blocks of rows. Pure: no clock, no input or output.
"""
