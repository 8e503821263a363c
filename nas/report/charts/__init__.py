"""Pictures of numbers, drawn by Vega through Altair, each with the numbers behind it."""
