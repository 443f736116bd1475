"""The search for a day that breaks a rule, and the story of it."""
