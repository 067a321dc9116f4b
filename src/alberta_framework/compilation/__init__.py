"""How programs are compiled: the boundary, the plan that chooses a form, and the forms."""
