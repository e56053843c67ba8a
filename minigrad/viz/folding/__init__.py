"""Large graphs made small: modules folded into one box a call, repeated blocks into one box with a count."""
