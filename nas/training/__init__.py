"""The worker's half: builds, trains, measures. Never Optuna, never SQLAlchemy."""
