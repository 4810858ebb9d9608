"""What was behind what is erased, made up from what is around it."""
