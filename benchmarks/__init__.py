"""What chainpoints costs, measured, beside what others cost."""
