"""SMS through whoever speaks SMPP 3.4: aggregators and operators abroad, some at home."""
