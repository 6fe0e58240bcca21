"""Facts → the board: the recorder writes what came from outside, the evaluator judges it."""
