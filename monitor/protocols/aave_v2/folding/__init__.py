"""What the logs of a block did to accounts and parameters of a pool."""
