"""The parts of bench/run: what is measured (cases), how (work, web, system), how it is shown (report)."""
