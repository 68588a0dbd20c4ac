"""What-ifs over whole markets: the screen for everyone, the exact evaluator for whoever it cannot place."""
