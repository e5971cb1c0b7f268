"""The article: forward, cost, backward and update, in pure array API.

No room here imports NumPy or CuPy, or asks which backend it is on.
"""
