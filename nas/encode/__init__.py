"""Data ▶ embeddings by a trained model, written as they come; and what they are worth."""
