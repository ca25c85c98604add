"""Engine: scores any number of series as their readings come, each in constant time and 316 bytes, or 436.

The way of a reading, one file a stage: `samples` (does it count), `moment` (what follows from its time), `season` (what
was expected), `records` (how unheard of is the rest), `novelty` (the same of seven further channels, for 120 bytes more
a series), `calibration` (is that news, and how rare), then `budget` over the series of a service. `rows` is what is
kept, `pace` how fast it forgets, `stages` puts the stages together for any rows, `block` shortens them for rows that
keep step, `alone` takes one row through many readings: what is said is the same on all three. `engine` gives rows to
series, `judged` is what a tick says. Pure: no clock, no input or output.
"""
