"""Record model, units, transform contract, sandbox worker and shipped transforms."""
