"""A flag that shows everybody one value, taken out of a Python file.

asking → conditions | folding → leftover, put together by `out`.
"""
