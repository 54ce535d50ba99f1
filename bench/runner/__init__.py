"""The parts of bench/run: what is measured (cases), how (work), and how it is shown (report)."""
