"""Experiments: what could move the metric of a goal, built behind a flag, measured on users, scaled or taken back.

catalogue | imagined | given → sifting → ranking → portfolio → opening → build → proof → look → way
flagd | unleash | launchdarkly: where flags live
settled: a flag that everybody is shown one value of, taken out of the code
"""
