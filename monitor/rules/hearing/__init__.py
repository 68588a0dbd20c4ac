"""Who hears of an alert, and when: hours of sleep, mutes, acknowledgements, and the daily digest."""
