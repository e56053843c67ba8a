"""The stepper: a trace in the terminal, a step a key press, or as plain text."""
