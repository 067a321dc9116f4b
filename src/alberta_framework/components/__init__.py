"""What everything is made of: components, states, exact counts, numbers, checks of arguments."""
