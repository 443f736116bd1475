"""What is known and what happens: memory, triggers, effects, and one decision in the making."""
