"""Log templates: what lines have in common, mined online from blocks of bytes, and what is new among them. Pure.

bytes → keys (digits blotted out, a whole block at once) → known: its template
                                                         → unseen: mask → tokens → groups → a template
template ids and times → rates (series) and novelty
"""
