"""Experiments: what could move the metric of a goal, by the operator's levers, a model, or a human; and its flags.

catalogue | imagined | given → sifting → ranking → portfolio; flagd | unleash | launchdarkly
"""
