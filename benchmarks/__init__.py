"""What sbcsim costs, each figure beside a bare baseline: `python -m benchmarks [NAME ...] [--quick]`."""
