"""Plain NumPy algorithms in float64, written from the papers, to hold the library against.

An oracle is mutable: `update` changes its attributes, which bear the names of the library's state
fields, and returns what the library's result holds.
"""
