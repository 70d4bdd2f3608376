"""The ways to hold a script, strongest first, and what each is made of."""
