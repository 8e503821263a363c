"""The final fine-tuning: the loop of a careful engineer, around a study's best architectures."""

from nas.finetune.run import finetune

__all__ = ["finetune"]
