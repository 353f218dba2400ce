"""UCUM units: parse, convert, and map the spellings of CF, FITS and SenML."""
