"""Experiments: what could move the metric of a goal, by the operator's levers, a model, or a human.

catalogue | imagined | given → sifting → ranking → portfolio
"""
