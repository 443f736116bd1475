"""Which circuit sheds how much: the requirement, the capacity of each circuit, and the plan."""
