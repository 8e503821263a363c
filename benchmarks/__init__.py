"""What is claimed about speed, memory and rankings, measured: ``python -m benchmarks.coordinator``, ``.ranking``, …"""
