"""The main job, end to end on real contracts: a local chain, the service, a bot, a mail server, and a falling price."""
