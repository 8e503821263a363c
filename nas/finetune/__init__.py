"""The final fine-tuning: the loop of a careful engineer, around a study's best architectures."""
