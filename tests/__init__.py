"""The project's tests, cheapest layer first: unit, component, program, schema, node; then the lab."""
