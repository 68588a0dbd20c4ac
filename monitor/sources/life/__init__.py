"""A chain's life: whether it goes on, what of it is final, whose clock is wrong, which checks are still on trial."""
