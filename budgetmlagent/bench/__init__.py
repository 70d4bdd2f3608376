"""Many runs: tasks x graphs x models x seeds, under one sum of money, and a table of what came of them."""
