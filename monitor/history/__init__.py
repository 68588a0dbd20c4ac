"""What was: every cycle's watched positions and whole markets now and then, as Parquet that anybody can read.

Files stand under `scope=<watched|market>/deployment=<name>/day=<UTC day>/`, sorted by market, key and time. Columns and
their types are `monitor.history.records.COLUMNS`; every integer is exact, also beyond 64 bits, as decimal text.
"""
