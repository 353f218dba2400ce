"""The portable language: checker, intervals, intermediate representation. Pure: source in, findings and IR out."""
