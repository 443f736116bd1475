"""Who gives how much: the requirement, what each circuit may give, and the plan."""
