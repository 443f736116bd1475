"""Days in simulated time: played, drawn, and searched for one that breaks a rule."""
