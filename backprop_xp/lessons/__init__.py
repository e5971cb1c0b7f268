"""Lessons that run: scripts in cells, which `python -m backprop_xp learn` shows and runs.

Each is a file NN_name.py in the percent format, which Jupyter, VS Code and Spyder open as cells.
It ends with a task: a cell tagged "task" to be changed, one tagged "check" that defines `check()`,
whose answer begins with "solved" or "not yet", and one tagged "solution".
"""
