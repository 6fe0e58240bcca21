"""Moving in from other monitors: what they watched as configuration, what they saw as history."""
